import { GatewayError, messageOf } from '../../lib/errors.ts';
import { createInFlight } from '../../lib/in-flight.ts';
import {
  readIncoming,
  writeNotification,
  type Incoming,
  type JsonRpcNotification,
  type Reply,
} from '../../lib/json-rpc.ts';
import { abortError } from '../../lib/unless-aborted.ts';
import { answerRequest } from './answer-request.ts';
import { findReplyId, splitBatch } from './batch.ts';
import type { Connection, ConnectionEvents, OutgoingRequest } from './transport.ts';

/** What a transport with one message stream for everything puts its own framing around. */
export interface MessagePipe extends Pick<Connection, 'nextId' | 'request' | 'notify'> {
  /** Takes one message, or a batch of them, from the server. False when it is not JSON-RPC; nothing was done with it then. */
  receive(bytes: Buffer): boolean;
  /** Gives up one request that the server will not get. */
  reject(id: number, error: GatewayError): void;
  /** Ends the pipe: requests in flight are rejected with the reason, and nothing is sent or handed on any more. */
  fail(reason: GatewayError): void;
}

interface Pending {
  readonly outgoing: OutgoingRequest;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (error: unknown) => void;
  readonly onAbort: () => void;
}

interface PipeDeps {
  /** Sends one message, of a request or not. What it throws or rejects with becomes the error of that request. */
  readonly send: (line: string, outgoing?: OutgoingRequest) => void | Promise<void>;
  readonly events: ConnectionEvents;
  /** Names the server in error messages. */
  readonly name: string;
}

/** Matches replies, progress and cancellation to requests on a stream of messages that all requests share. */
export function createMessagePipe({ send, events, name }: PipeDeps): MessagePipe {
  const pending = createInFlight<unknown, Pending>();
  let lastId = 0;
  let failure: GatewayError | undefined;

  /** Gives the request up for whoever settles it; undefined when it was settled before. */
  function take(id: unknown): Pending | undefined {
    const entry = pending.take(id);
    entry?.outgoing.signal.removeEventListener('abort', entry.onAbort);
    return entry;
  }

  function cancel({ outgoing, reject }: Pending): void {
    reject(abortError(outgoing.signal));
    // The protocol forbids to cancel `initialize`.
    if (outgoing.method === 'initialize') return;
    const params = { requestId: outgoing.id, reason: messageOf(outgoing.signal.reason) };
    post(writeNotification('notifications/cancelled', params));
  }

  /** Sends what nobody waits for; a broken stream is reported through {@link MessagePipe.fail}. */
  function post(line: string): void {
    if (failure === undefined) Promise.try(send, line).catch(() => {});
  }

  function dispatch(incoming: Incoming): void {
    if (incoming.kind === 'reply') take(incoming.id)?.resolve(incoming.reply);
    else if (incoming.kind === 'notification') notified(incoming.message);
    else void answerRequest(incoming.message, events).then(post);
  }

  function notified(notification: JsonRpcNotification): void {
    const token = notification.method === 'notifications/progress' ? notification.params?.progressToken : undefined;
    const listener = token === undefined ? undefined : pending.get(token)?.outgoing.onNotification;
    if (listener === undefined) events.onNotification(notification);
    else listener(notification);
  }

  /** A reply that cannot be read must not leave its caller waiting. */
  function rejectBroken(bytes: Buffer, error: GatewayError): boolean {
    const entry = take(findReplyId(bytes));
    entry?.reject(error);
    return entry !== undefined;
  }

  return {
    nextId: () => ++lastId,
    request(outgoing) {
      return new Promise<Reply>((resolve, reject) => {
        const { id, signal } = outgoing;
        if (failure !== undefined) throw notSent(name, failure);
        if (signal.aborted) throw abortError(signal);
        const onAbort = () => {
          const entry = take(id);
          if (entry !== undefined) cancel(entry);
        };
        pending.set(id, { outgoing, resolve, reject, onAbort });
        signal.addEventListener('abort', onAbort);
        try {
          const sent = send(outgoing.message, outgoing);
          if (sent !== undefined) sent.catch((error: unknown) => take(id)?.reject(error));
        } catch (error) {
          take(id)?.reject(error);
        }
      });
    },
    async notify(message) {
      if (failure !== undefined) throw notSent(name, failure);
      await send(message);
    },
    receive(bytes) {
      if (failure !== undefined) return true;
      const messages = readMessages(bytes);
      if (messages instanceof GatewayError) return rejectBroken(bytes, messages);
      messages.forEach(dispatch);
      return true;
    },
    reject: (id, error) => take(id)?.reject(error),
    fail(reason) {
      failure ??= reason;
      for (const { outgoing } of pending.values()) take(outgoing.id)?.reject(reason);
    },
  };
}

function notSent(name: string, reason: GatewayError): GatewayError {
  return new GatewayError('upstream_unreachable', `the connection to ${name} has ended`, { cause: reason });
}

function readMessages(bytes: Buffer): Incoming[] | GatewayError {
  try {
    return splitBatch(bytes).map(readIncoming);
  } catch (error) {
    if (error instanceof GatewayError) return error;
    return new GatewayError('upstream_bad_reply', `not a JSON-RPC batch: ${messageOf(error)}`, { cause: error });
  }
}
