import type { Siblings } from '../siblings.ts';
import { toLedgerError } from './faults.ts';
import type { Asker } from './grant-leases.ts';
import { inTime } from './in-time.ts';
import {
  RECALLS,
  tooLate,
  type LeaseReply,
  type LeaseStore,
  type LeaseStoreOptions,
  type Recall,
} from './lease-store.ts';
import type { WorkerLink } from './worker-link.ts';

interface FileLeasesOptions extends LeaseStoreOptions {
  /** Into the thread that writes: it also stores what was spent, and so the two keep their order. */
  readonly call: WorkerLink['call'];
  readonly siblings: Siblings;
}

/** Opens the leases of one process in a SQLite file that it shares with its siblings. */
export function openFileLeases({ call, siblings, ...options }: FileLeasesOptions): LeaseStore {
  const { node, lifetimeMs, timeoutMs, onRecall } = options;
  const stop = siblings.hear(RECALLS, (recall) => onRecall((recall as Recall).ids)); // sent below
  let turn = 0;

  return {
    async ask(requests) {
      turn += 1;
      const asker: Asker = { node, turn, lifetimeMs };
      // What grantLeases gives, in that thread.
      const answered = call('grantLeases', [asker, requests]) as Promise<LeaseReply | undefined>;
      const reply = await inTime(answered, timeoutMs);
      if (reply === undefined) throw tooLate();
      return reply;
    },
    async recall(ids) {
      const recall: Recall = { node, ids };
      await siblings.send(RECALLS, recall).catch((error: unknown) => {
        throw toLedgerError(error);
      });
    },
    async end() {
      stop();
      await call('endLeases', [node]);
    },
  };
}
