import { setTimeout as sleep } from 'node:timers/promises';
import { ERRORS, GatewayError, messageOf } from '../../lib/errors.ts';
import type { HttpExchange } from '../../lib/http-client.ts';
import { writeNotification, type RequestId } from '../../lib/json-rpc.ts';
import { backOff } from '../../lib/time.ts';
import { createAnswerReader, type AnswerReader } from './answer-reader.ts';
import { explainAnswer, explainError } from './failure.ts';
import { createLink, type Target } from './link.ts';
import { resumed } from './listener.ts';
import { answeredIds, readClientMessage, readRpcError, type ClientMessage, type WrittenId } from './message.ts';
import type { Output } from './output.ts';
import { createSessionKeeper } from './session.ts';
import { createToolHeaders } from './tool-headers.ts';

interface Deps {
  readonly target: Target;
  readonly output: Output;
  /** Tells the user about a problem, in one sentence. */
  readonly report: (sentence: string) => void;
  /** A message has been dealt with. */
  readonly onSettled: () => void;
}

/** Carries the messages of one stdio client to the gateway and back. */
export interface Bridge {
  /** Messages of the client that are not dealt with yet. */
  readonly inFlight: number;
  /** Takes one line of the client. */
  receive(line: Buffer): void;
  /** Resolves when every request is answered, save those that have no end of their own. */
  finish(): Promise<void>;
  /** Cancels what still runs and ends the session; best effort. */
  close(): Promise<void>;
}

/** A message of the client on its way. */
interface Delivery {
  readonly message: ClientMessage;
  readonly unanswered: Map<RequestId, WrittenId>;
  exchange: HttpExchange | undefined;
  isCancelled: boolean;
}

const RESUME_ATTEMPTS = 5;
const MIN_DELAY_MS = 100;
const CANCELLED = new GatewayError('call_cancelled', 'the client has cancelled the request');

export function createBridge({ target, output, report, onSettled }: Deps): Bridge {
  const link = createLink(target, output);
  const session = createSessionKeeper({ link, target, onMessage: relay, report });
  const tools = createToolHeaders(link);
  const running = new Map<Delivery, Promise<void>>();
  /** Settled when the last step of the handshake is done: what the client sent after it must not overtake it. */
  let handshake: Promise<void> = Promise.resolve();
  let isClosed = false;

  /** Gives the ids of the requests that are answered by it. What is not JSON must not reach the client: standard output is for messages alone. */
  function relay(message: Buffer): RequestId[] {
    try {
      const answered = answeredIds(message);
      output.write(message);
      return answered;
    } catch {
      report('the gateway sent something that is not JSON-RPC; it was left out');
      return [];
    }
  }

  function receive(line: Buffer): void {
    if (isClosed) return;
    let message: ClientMessage;
    try {
      message = readClientMessage(line);
    } catch (error) {
      return report(`the client sent something that is not JSON-RPC; it was left out (${messageOf(error)})`);
    }
    if (message.cancels !== undefined && cancel(message.cancels, message)) return;
    void start(message);
  }

  function start(message: ClientMessage): Promise<void> {
    const unanswered = new Map(message.ids.map((id) => [id.value, id]));
    const delivery: Delivery = { message, unanswered, exchange: undefined, isCancelled: false };
    // A response goes out at once: the gateway may wait for it before it answers `initialize`.
    const waits = message.modernHeaders === undefined && (message.method !== undefined || message.isBatch);
    const done = (waits ? handshake.then(() => deliver(delivery)) : deliver(delivery)).finally(() => {
      running.delete(delivery);
      onSettled();
    });
    running.set(delivery, done);
    if (waits && isHandshake(message)) handshake = done;
    return done;
  }

  /** True when the cancellation has done its work here: closing the exchange is what cancels a modern request. */
  function cancel(id: RequestId, notice: ClientMessage): boolean {
    const delivery = [...running.keys()].find(({ unanswered }) => unanswered.has(id));
    // It was answered in the meantime; only a session may know better.
    if (delivery === undefined) return notice.modernHeaders !== undefined || session.current === undefined;
    delivery.isCancelled = true;
    const end = (): void => delivery.exchange?.abort(CANCELLED);
    if (delivery.message.modernHeaders !== undefined) end();
    // Nobody waits for the answer, and some servers leave the stream of a cancelled request open for ever.
    else void start(notice).then(end);
    return true;
  }

  async function deliver(delivery: Delivery): Promise<void> {
    try {
      await exchange(delivery);
    } catch (error) {
      if (delivery.isCancelled || isClosed) return;
      fail(delivery, explainError(error, target));
    }
  }

  /** Posts the message and hands on the answer. */
  async function exchange(delivery: Delivery, isRetry = false): Promise<void> {
    const { message } = delivery;
    if (delivery.isCancelled || isClosed) return;
    if (message.method === 'initialize' && !isRetry) session.begin(message.bytes);
    const used = message.modernHeaders === undefined ? session.current : undefined;
    const reader = createAnswerReader({ onMessage: (bytes) => take(delivery, bytes, reader) });
    const headers = tools.headersOf(message) ?? used?.headers ?? [];
    delivery.exchange = link.post(message.bytes, headers, reader);
    const broken: unknown = await outcomeOf(delivery.exchange);
    if (delivery.isCancelled || isClosed) return;
    if (reader.status === 404 && used?.id !== undefined && !isRetry) {
      await session.renew(used);
      return exchange(delivery, true);
    }
    if (!isRetry && (await tools.learn(message, reader))) return exchange(delivery, true);
    if (reader.isStream && used !== undefined) await resume(delivery, reader, used.headers);
    if (broken === undefined) return conclude(delivery, reader);
    if (delivery.unanswered.size > 0 || message.ids.length === 0) throw broken;
  }

  /** Takes the stream of a request up again where it broke, if the gateway numbers its events. */
  async function resume(delivery: Delivery, first: AnswerReader, headers: readonly string[]): Promise<void> {
    let { lastEventId, retryMs } = first;
    for (let attempt = 0; attempt < RESUME_ATTEMPTS; attempt += 1) {
      if (lastEventId === undefined || delivery.unanswered.size === 0 || delivery.isCancelled || isClosed) return;
      await sleep(Math.max(retryMs ?? backOff(attempt), MIN_DELAY_MS));
      const reader = createAnswerReader({ onMessage: (bytes) => take(delivery, bytes, reader) });
      delivery.exchange = link.listen(resumed(headers, lastEventId), reader);
      await outcomeOf(delivery.exchange);
      if (!reader.isStream && reader.status !== 0) return;
      lastEventId = reader.lastEventId ?? lastEventId;
      retryMs = reader.retryMs ?? retryMs;
      if (reader.isStream) attempt = 0;
    }
  }

  /** A message that arrived in answer to one of the client's. */
  function take(delivery: Delivery, bytes: Buffer, reader: AnswerReader): void {
    if (isClosed) return;
    const answered = relay(bytes);
    for (const id of answered) delivery.unanswered.delete(id);
    if (delivery.message.method === 'initialize' && answered.length > 0) session.establish(bytes, reader);
  }

  /** The response is complete: what it did not answer is answered here. */
  function conclude(delivery: Delivery, reader: AnswerReader): void {
    const { message, unanswered } = delivery;
    const body = reader.body();
    if (reader.status < 300 && body.length > 0 && reader.type.includes('json')) take(delivery, body, reader);
    if (reader.status < 300 && message.method === 'notifications/initialized') session.confirm(message.bytes);
    if (unanswered.size > 0 || (reader.status >= 300 && message.ids.length === 0)) refuse(delivery, reader);
  }

  /** Hands an error of the gateway on under the id of the request; anything else becomes an error that says what to do. */
  function refuse(delivery: Delivery, reader: AnswerReader): void {
    const failure = reader.status === 401 ? undefined : readRpcError(reader.body());
    if (failure === undefined || delivery.unanswered.size === 0) return fail(delivery, explainAnswer(reader, target));
    if (failure.id !== undefined && delivery.unanswered.has(failure.id)) return output.write(reader.body());
    answer(delivery, failure.error);
  }

  function fail(delivery: Delivery, { code, message }: GatewayError): void {
    report(message);
    answer(delivery, Buffer.from(JSON.stringify({ code: ERRORS[code].rpc, message })));
  }

  function answer({ message, unanswered }: Delivery, error: Buffer): void {
    const answers = [...unanswered.values()].map(({ text }) =>
      Buffer.concat([Buffer.from(`{"jsonrpc":"2.0","id":${text},"error":`), error, Buffer.from('}')]),
    );
    if (message.isBatch && answers.length > 0) output.write(Buffer.from(`[${answers.map(String).join(',')}]`));
    else for (const single of answers) output.write(single);
  }

  /** A client that leaves wants none of its calls to run on. Older revisions must be told so. */
  async function leave(): Promise<void> {
    const headers = session.current?.headers ?? [];
    const goodbyes = [...running.keys()].flatMap(({ message, unanswered, exchange }) => {
      if (message.modernHeaders !== undefined || message.method === 'initialize' || exchange === undefined) return [];
      return [...unanswered.values()].map(({ value: requestId }) => {
        const notice = writeNotification('notifications/cancelled', { requestId, reason: 'the client has left' });
        return link.post(Buffer.from(notice), headers, createAnswerReader({ onMessage: () => {} })).done;
      });
    });
    await Promise.allSettled(goodbyes);
    await session.end().catch(() => undefined); // a gateway that is gone needs no goodbye
  }

  return {
    get inFlight() {
      return running.size;
    },
    receive,
    async finish() {
      const finite = [...running].filter(([{ message }]) => message.method !== 'subscriptions/listen');
      await Promise.all(finite.map(([, done]) => done));
    },
    async close() {
      isClosed = true;
      await leave();
      await link.close();
    },
  };
}

/** Undefined when the exchange went to its end, else why it did not. */
function outcomeOf({ done }: HttpExchange): Promise<unknown> {
  return done.catch((error: unknown) => error);
}

function isHandshake({ method }: ClientMessage): boolean {
  return method === 'initialize' || method === 'notifications/initialized';
}
