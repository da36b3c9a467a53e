import { Agent, request as send, type IncomingMessage, type OutgoingHttpHeaders } from 'node:http';
import { GatewayError } from '../../lib/errors.ts';
import type { Peer } from '../../store/cluster.ts';
import { drained, type HotRequest, type HotResponse } from '../hot.ts';

/** Says to a node that another one sends this, and which node is meant. */
export const PEER_SECRET = 'asbru-peer';
export const PEER_NODE = 'asbru-node';

/** What belongs to one connection and not to the request (RFC 9110, 7.6.1). */
const OF_CONNECTION = ['connection', 'keep-alive', 'transfer-encoding', 'te', 'trailer', 'upgrade', 'expect'];

const MISDIRECTED = 421;
const CONNECT_MS = 2_000;

/** Lets another node answer a request. False: that node took nothing of it, so any other may. */
export type PassOn = (
  peer: Peer,
  request: HotRequest,
  response: HotResponse,
  body: Buffer | undefined,
) => Promise<boolean>;

/** Sends requests on byte for byte, on connections that are kept. The caller's credential goes along: the other node checks it too. */
export function createPassOn(secret: string): PassOn & Disposable {
  const agent = new Agent({ keepAlive: true });

  async function passOn(
    peer: Peer,
    request: HotRequest,
    response: HotResponse,
    body: Buffer | undefined,
  ): Promise<boolean> {
    // A stream would stay open there for nobody; what else a client sent before it left is done.
    if (request.method === 'GET' && response.destroyed) return true;
    const answer = await ask(peer, request, response, body);
    if (answer === undefined) return false;
    if (answer.statusCode === MISDIRECTED) {
      answer.resume();
      return false;
    }
    response.writeHead(answer.statusCode ?? 502, withoutConnection(answer.headers)).flushHeaders();
    await pump(answer, response);
    return true;
  }

  /** Undefined when no connection came about. */
  function ask(
    peer: Peer,
    request: HotRequest,
    response: HotResponse,
    body: Buffer | undefined,
  ): Promise<IncomingMessage | undefined> {
    const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage | undefined>();
    const target = toPeer(peer, secret);
    const headers: OutgoingHttpHeaders = { ...withoutConnection(request.headers), ...target.headers };
    if (body !== undefined) headers['content-length'] = body.length;
    const { method, url } = request;
    const outgoing = send({ ...target, agent, method, path: url, headers });
    let isConnected = false;
    const connected = (): void => {
      isConnected = true;
      clearTimeout(limit);
    };
    const limit = setTimeout(() => outgoing.destroy(new Error('no connection in time')), CONNECT_MS);
    outgoing.once('socket', (socket) => {
      if (!socket.connecting) connected();
      else socket.once('connect', connected);
    });
    outgoing.once('close', () => clearTimeout(limit));
    outgoing.once('response', resolve);
    outgoing.on('error', (error) => {
      if (isConnected || response.destroyed) reject(lost(peer, error));
      else resolve(undefined);
    });
    response.once('close', () => outgoing.destroy());
    outgoing.end(body);
    return promise;
  }

  return Object.assign(passOn, { [Symbol.dispose]: () => agent.destroy() });
}

/** Whoever reads slowly slows the other node down, and whoever leaves ends the request there. */
async function pump(answer: IncomingMessage, response: HotResponse): Promise<void> {
  try {
    for await (const chunk of answer) if (!response.write(chunk as Buffer)) await drained(response);
    response.end();
  } catch {
    response.destroy(); // the answer is not whole
  }
}

/** Where a request to another node goes, and the headers that it must have. */
export function toPeer({ id, address }: Peer, secret: string) {
  const { hostname, port } = new URL(`http://${address}`);
  return { hostname: hostname.replace(/^\[|\]$/g, ''), port, headers: { [PEER_SECRET]: secret, [PEER_NODE]: id } };
}

function withoutConnection(headers: IncomingMessage['headers']): OutgoingHttpHeaders {
  const kept: OutgoingHttpHeaders = { ...headers };
  for (const name of OF_CONNECTION) delete kept[name];
  return kept;
}

function lost({ id }: Peer, cause: unknown): GatewayError {
  const message = 'the node that keeps this session was lost while it handled the request, which may have run';
  return new GatewayError('node_lost', message, { cause, details: { node: id } });
}
