import type { IncomingMessage, ServerResponse } from 'node:http';
import { startUpstream, type Upstream } from '../kit/upstream.ts';

/** A tools/call that reached a server. */
export interface Arrived {
  readonly id: number | string;
  readonly text: string;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
}

/** What a server does with a call instead of answering it; false for a call that it answers after all. */
export type Misdeed = (call: Arrived) => false | void;

/** A real server over HTTP that can be made to misbehave. */
export interface BadServer extends AsyncDisposable {
  readonly upstream: Upstream;
  /** The arguments of calls that ran, or that it did something with which may be taken for running. */
  ran(): readonly string[];
  /** Does this with calls from now on; undefined: behaves. */
  misdeed: Misdeed | undefined;
}

/** Starts it. It counts a call as run also when it then says nothing of it: that is the worst that can be. */
export async function startBadServer(): Promise<BadServer> {
  const spoilt: string[] = [];
  const upstream = await startUpstream({
    guard: (request, response, body) => {
      const { id, method, params } = (body ?? {}) as {
        id?: number | string;
        method?: string;
        params?: { arguments?: { text?: string } };
      };
      const { misdeed } = server;
      if (method !== 'tools/call' || id === undefined || misdeed === undefined) return Promise.resolve(true);
      const text = params?.arguments?.text ?? '';
      if (misdeed({ id, text, request, response }) === false) return Promise.resolve(true);
      spoilt.push(text);
      return Promise.resolve(false);
    },
  });
  const server: BadServer = {
    upstream,
    misdeed: undefined,
    ran: () => [...spoilt, ...upstream.host.calls.map((call) => String(call.arguments['text']))],
    [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose](),
  };
  return server;
}

/** The answer to a call, as JSON text: what it was given, and as many more bytes. */
export function answerTo({ id, text }: Arrived, more = 0): string {
  const content = [{ type: 'text', text: text + 'x'.repeat(more) }];
  return JSON.stringify({ jsonrpc: '2.0', id, result: { content } });
}

const STREAM = { 'content-type': 'text/event-stream' };
const FIVE_MB = 5 * 1024 * 1024;
const TEN_MB = 10 * 1024 * 1024;
let turn = 0;

/** What servers do over HTTP when they do not behave. */
export const MISDEEDS = {
  reset: ({ request }) => void request.socket.resetAndDestroy(),
  /** Says that nothing more will come, and goes on listening. */
  halfClose: ({ request }) => void request.socket.end(),
  garbage({ request, response }) {
    turn += 1;
    if (turn % 3 === 0) request.socket.end('\u0000\u0001 this is no HTTP \r\n\r\n');
    else if (turn % 3 === 1)
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"jsonrpc":"2.0","id"');
    else response.writeHead(200, STREAM).end('data: {"jsonrpc":"2.0",\ndata: \u0000\n\n');
  },
  longLine: (call) => void call.response.writeHead(200, STREAM).end(`data: ${answerTo(call, TEN_MB)}\n\n`),
  drip(call) {
    call.response.writeHead(200, { 'content-type': 'application/json' });
    const bytes = answerTo(call);
    let sent = 0;
    const timer = setInterval(() => call.response.write(bytes[(sent += 1) - 1] ?? ' '), 1_000);
    call.response.once('close', () => clearInterval(timer));
    call.response.flushHeaders();
  },
  /** Answers those who ask for it with 5 MB. */
  large(call) {
    if (!call.text.startsWith('large')) return false;
    call.response.writeHead(200, { 'content-type': 'application/json' }).end(answerTo(call, FIVE_MB));
  },
  wrongType: (call) => void call.response.writeHead(200, { 'content-type': 'text/html' }).end(answerTo(call)),
} as const satisfies Record<string, Misdeed>;
