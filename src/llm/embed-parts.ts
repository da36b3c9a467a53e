import type { CallSignal } from '../lib/call-signal.ts';
import type { ProviderKey } from '../store/providers.ts';
import { readWhole } from './exchange.ts';
import type { EmbeddingPlan, NativeEmbeddings } from './formats/format.ts';
import type { ProviderPlaces } from './provider-places.ts';
import { runParts, type Parts } from './run-parts.ts';
import type { Outgoing, Send, Sent } from './send.ts';
import { parseAnswer } from './translate.ts';

/** One of the requests that embeddings took, answered. */
export type EmbeddedPart = NativeEmbeddings & Pick<Sent, 'model'>;

/** For whom all requests of a plan are sent, and who hears of it. */
type Asked = Pick<Outgoing, 'target' | 'headers' | 'signal' | 'onAttempt'> & {
  readonly principal: string;
  readonly onFirstByte: () => void;
};

/** Sends what is planned, each request with a place at the provider, keys and retries of its own. */
export type EmbedParts = (plan: EmbeddingPlan, asked: Asked) => Promise<Parts<EmbeddedPart>>;

/** Requests for one caller that are under way at once. */
const AT_ONCE = 8;

export function createEmbedParts({ send, places }: { send: Send; places: ProviderPlaces }): EmbedParts {
  return async (plan, { target, headers, signal, principal, onAttempt, onFirstByte }) => {
    const askOne = async (index: number, signal: CallSignal): Promise<EmbeddedPart> => {
      const leave = await places.enter(target.record, principal, signal);
      try {
        const bytes = Buffer.from(JSON.stringify(plan.requests[index]));
        const { arrived, model } = await send({
          ...{ target, format: 'embeddings', isStream: false, headers, signal },
          body: () => bytes,
          onAttempt: onlyRepeated(onAttempt, index),
        });
        onFirstByte();
        return { model, headers: arrived.headers, body: parseAnswer(await readWhole(arrived)) };
      } finally {
        leave();
      }
    };
    // No more than there are places: those of one caller must not find the queue full of one another.
    const atOnce = Math.min(AT_ONCE, target.record.concurrency);
    return runParts({ count: plan.requests.length, atOnce }, askOne, signal);
  };
}

/** Hears of every attempt for the first of several requests; for the others a first attempt is no repetition. */
function onlyRepeated(onAttempt: (key: ProviderKey) => void, index: number): (key: ProviderKey) => void {
  let isHeard = index === 0;
  return (key) => {
    if (isHeard) onAttempt(key);
    isHeard = true;
  };
}
