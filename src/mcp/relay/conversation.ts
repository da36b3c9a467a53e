import type { CallSignal } from '../../lib/call-signal.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { JsonObject, JsonRpcNotification, JsonRpcRequest, Reply } from '../../lib/json-rpc.ts';
import { unlessAborted } from '../../lib/unless-aborted.ts';

/** One question of a server to the user's side: elicitation, sampling, or the roots. */
export interface InputRequest {
  readonly method: string;
  readonly params?: JsonObject | undefined;
}

/** What a running request comes to next: questions that must be answered first, or its reply. */
export type Turn =
  | { readonly kind: 'questions'; readonly questions: Readonly<Record<string, InputRequest>> }
  | { readonly kind: 'reply'; readonly reply: Reply };

/** A request to a legacy server that may ask questions while it runs, as a series of turns. */
export interface Conversation {
  /** Waits for the next turn; what the server says meanwhile goes to `hear`. Rejects as the request does, or on an abort. */
  next(hear: Hear, signal: CallSignal): Promise<Turn>;
  /** Answers questions by their keys; those without an answer are asked again. */
  answer(answers: Readonly<Record<string, JsonObject | undefined>>): void;
  /** Gives the request up. */
  cancel(): void;
}

export type Hear = (notification: JsonRpcNotification) => void;

/** How a conversation runs its request. */
export interface Voices {
  /** Takes the server's questions. */
  readonly onRequest: (request: JsonRpcRequest) => Promise<JsonObject>;
  readonly onNotification: Hear;
  /** Ends the request. */
  readonly signal: CallSignal;
}

/** A server that asks several things asks them within this time; they make one turn. */
const GATHER_MS = 5;

/** Starts a request. */
export function startConversation(run: (voices: Voices) => Promise<Reply>): Conversation {
  const abort = new AbortController();
  const open = new Map<string, PromiseWithResolvers<JsonObject> & { request: InputRequest; isTold: boolean }>();
  let asked = Promise.withResolvers<void>();
  let lastKey = 0;
  let hearing: Hear = () => {};
  let gathering: NodeJS.Timeout | undefined;

  const onRequest = ({ method, params }: JsonRpcRequest): Promise<JsonObject> => {
    const key = String((lastKey += 1));
    const entry = { ...Promise.withResolvers<JsonObject>(), request: { method, params }, isTold: false };
    open.set(key, entry);
    gathering ??= setTimeout(() => {
      gathering = undefined;
      // They may have gone out meanwhile with the turn before.
      if (untold().length > 0) asked.resolve();
    }, GATHER_MS);
    return entry.promise;
  };

  const reply = run({ onRequest, onNotification: (notification) => hearing(notification), signal: abort.signal });
  // Either outcome is seen by the turn that waits; questions that are open then belong to nothing any more.
  reply.catch(() => undefined).finally(() => dismiss('the request is over'));

  function dismiss(why: string): void {
    for (const { reject } of open.values()) reject(new GatewayError('call_cancelled', why));
    open.clear();
  }

  function untold() {
    return [...open].filter(([, { isTold }]) => !isTold);
  }

  function questions(): Record<string, InputRequest> {
    const news = untold();
    for (const [, entry] of news) entry.isTold = true;
    return Object.fromEntries(news.map(([key, { request }]) => [key, request]));
  }

  return {
    async next(hear, signal) {
      hearing = hear;
      const asking = asked.promise.then(() => undefined);
      const done = await unlessAborted(Promise.race([reply, asking]), signal);
      if (done !== undefined) return { kind: 'reply', reply: done };
      asked = Promise.withResolvers();
      return { kind: 'questions', questions: questions() };
    },
    answer(answers) {
      for (const [key, answer] of Object.entries(answers)) {
        if (typeof answer !== 'object' || answer === null) continue;
        open.get(key)?.resolve(answer);
        open.delete(key);
      }
      for (const entry of open.values()) entry.isTold = false;
      if (open.size > 0) asked.resolve();
    },
    cancel() {
      abort.abort(new GatewayError('call_cancelled', 'the caller gave the request up'));
      dismiss('nobody is left to answer');
    },
  };
}
