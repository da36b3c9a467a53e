import type { RawHandler } from '../http/listen.ts';
import type { AskOthers } from '../http/nodes/ask-others.ts';
import type { Ledger } from '../telemetry/ledger.ts';

/** What all nodes together have taken down, for whoever reads it: by themselves they hear of one another a moment later. */
export interface WholeLedger extends Pick<Ledger, 'flush' | 'dropped'> {
  /** Settles when what was used of budgets and limits is known here, by whichever node; without the database, as it was last known. */
  learn(): Promise<void>;
  /** Settles when the other nodes know what is stored now. */
  teach(): Promise<void>;
}

const FLUSH_PATH = '/ledger/flush';
const REFRESH_PATH = '/ledger/refresh';

/** `askOthers` is undefined where there can be no other node. */
export function createWholeLedger(ledger: Ledger, askOthers: AskOthers | undefined): WholeLedger {
  const flush = async (): Promise<void> => void (await Promise.all([ledger.flush(), askOthers?.(FLUSH_PATH)]));
  return {
    flush,
    get dropped() {
      return ledger.dropped;
    },
    async learn() {
      if (askOthers === undefined) return;
      // The ledger has told what went wrong.
      await flush()
        .then(() => ledger.refresh())
        .catch(() => {});
    },
    teach: () => askOthers?.(REFRESH_PATH) ?? Promise.resolve(),
  };
}

/** What other nodes ask for. */
export function ledgerForPeers(ledger: Ledger): Readonly<Record<string, RawHandler>> {
  return {
    [FLUSH_PATH]: async (_, response) => {
      await ledger.flush();
      response.writeHead(204).end();
    },
    [REFRESH_PATH]: async (_, response) => {
      await ledger.refresh();
      response.writeHead(204).end();
    },
  };
}
