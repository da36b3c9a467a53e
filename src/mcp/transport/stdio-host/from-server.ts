import { GatewayError } from '../../../lib/errors.ts';
import { readIncoming, type Incoming, type JsonRpcNotification, type JsonRpcRequest } from '../../../lib/json-rpc.ts';
import { objectOf } from '../../../lib/json-value.ts';
import { META } from '../../revisions.ts';
import { answerRequest } from '../answer-request.ts';
import { findReplyId, splitBatch } from '../batch.ts';

interface Receiver {
  send(line: Buffer): void;
}

interface FromServerDeps<Seat extends Receiver> {
  readonly seats: () => Iterable<Seat>;
  /** Whose request has this id. */
  readonly holderOf: (id: unknown) => Seat | undefined;
  /** A request has its answer: the bytes of its result, or undefined for an error. */
  readonly answered: (id: unknown, result: Buffer | undefined) => void;
  readonly reply: (line: string) => void;
}

/** Hands each line of a server to the connections that it is meant for. False for a line that is no message. */
export function createFromServer<Seat extends Receiver>(deps: FromServerDeps<Seat>): (line: Buffer) => boolean {
  const { seats, holderOf, answered, reply } = deps;

  function pass(bytes: Buffer, incoming: Incoming): void {
    if (incoming.kind === 'reply') {
      const { id, reply } = incoming;
      answered(id, reply.kind === 'result' ? reply.bytes : undefined);
      holderOf(id)?.send(bytes);
    } else if (incoming.kind === 'request') {
      // Not a connection, which might end before it has answered: what the server would take for the end of its client.
      void answerRequest(incoming.message, { onRequest: answerForAll }).then(reply);
    } else spread(bytes, incoming.message);
  }

  /** Progress is for whoever asked; what else is said, for the subscription that it belongs to, or for all. */
  function spread(bytes: Buffer, { method, params }: JsonRpcNotification): void {
    if (method === 'notifications/progress') return holderOf(params?.progressToken)?.send(bytes);
    const subscriber = holderOf(objectOf(params?._meta)[META.subscriptionId]);
    for (const seat of subscriber === undefined ? seats() : [subscriber]) seat.send(bytes);
  }

  /** The connection that waits is told by the bytes themselves what is wrong with them. */
  function passBroken(line: Buffer): boolean {
    const id = findReplyId(line);
    const holder = holderOf(id);
    answered(id, undefined);
    holder?.send(line);
    return holder !== undefined;
  }

  return (line) => {
    let messages: [Buffer, Incoming][];
    try {
      messages = splitBatch(line).map((bytes) => [bytes, readIncoming(bytes)]);
    } catch {
      return passBroken(line);
    }
    for (const [bytes, incoming] of messages) pass(bytes, incoming);
    return true;
  };
}

/** A server that is shared was told that its client can do nothing. */
function answerForAll({ method }: JsonRpcRequest): Promise<Record<string, never>> {
  if (method === 'ping') return Promise.resolve({});
  return Promise.reject(new GatewayError('method_not_found', `this client does not support ${method}`));
}
