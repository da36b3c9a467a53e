import type { CallSignal } from '../lib/call-signal.ts';
import { GatewayError } from '../lib/errors.ts';
import { createFairQueue, type FairQueue } from '../lib/fair-queue.ts';
import type { ProviderRecord } from '../store/providers.ts';

/** Bounds how many requests a provider gets at once (`concurrency_and_buffer_size`), by turns of callers. */
export interface ProviderPlaces {
  /** Waits for a place, which the function it gives frees. Throws `provider_busy` when too many wait already. */
  enter(provider: ProviderRecord, principal: string, signal: CallSignal): Promise<() => void>;
}

interface Place {
  /** As it is now: the bounds may change while requests wait. */
  record: ProviderRecord;
  readonly queue: FairQueue;
}

export function createProviderPlaces(): ProviderPlaces {
  const places = new Map<string, Place>();

  function open(record: ProviderRecord): Place {
    const place: Place = {
      record,
      queue: createFairQueue({
        places: () => place.record.concurrency,
        room: () => place.record.buffer_size,
        busy: () => new GatewayError('provider_busy', `too many requests wait for provider ${record.name}`),
      }),
    };
    places.set(record.name, place);
    return place;
  }

  return {
    enter(record, principal, signal) {
      const place = places.get(record.name) ?? open(record);
      place.record = record;
      return place.queue.enter(principal, signal);
    },
  };
}
