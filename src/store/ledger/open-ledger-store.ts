import type { DatabaseOptions } from '../database.ts';
import { messageOf } from '../../lib/errors.ts';
import { sqlite, type DatabaseDialect } from '../dialect.ts';
import type { PostgresOptions } from '../postgres.ts';
import type { Siblings } from '../siblings.ts';
import { encodeBatch, type LedgerBatch } from './batch.ts';
import { LedgerError, toLedgerError } from './faults.ts';
import { openFileLeases } from './file-leases.ts';
import { createLeaseStore } from './lease-store.ts';
import { openOn, type EncodedLedgerStore, type LedgerStore } from './ledger-store.ts';
import { createWorkerLink } from './worker-link.ts';

type Method = Exclude<keyof EncodedLedgerStore, 'close'>;
type Invoke = (method: Method, args: readonly unknown[]) => Promise<unknown>;

/** Reads that may take long; on a file a thread of their own answers them. */
const READS: ReadonlySet<Method> = new Set<Method>([
  ...(['list', 'find', 'total', 'sums', 'filterValues', 'span'] as const),
  ...(['listLlm', 'findLlm', 'totalLlm', 'sumsLlm', 'latenciesLlm', 'filterValuesLlm', 'spanLlm'] as const),
]);
const READER_IDLE_MS = 5 * 60_000;
const POOL = 4;

/**
 * Opens the ledger: a SQLite file in threads of its own, PostgreSQL over a few connections of its own. What is in memory stays
 * in this thread: it is for tests and trials, which would pay a quarter of a second for a thread. `onError` hears of connections
 * that broke while idle.
 */
export async function openLedgerStore(
  options: DatabaseOptions,
  onError: (error: unknown) => void = () => {},
): Promise<LedgerStore> {
  if (options.type === 'sqlite' && options.path !== ':memory:') return openInThreads(options.path, options.siblings);
  return options.type === 'sqlite'
    ? openHere(() => sqlite(options.path, options))
    : openHere(() => smallPool(options.config, onError));
}

async function smallPool(config: PostgresOptions, onError: (error: unknown) => void): Promise<DatabaseDialect> {
  const { postgres } = await import('../postgres.ts');
  return postgres({ ...config, max_open_conns: Math.min(config.max_open_conns ?? POOL, POOL) }, onError);
}

async function openHere(createDialect: () => DatabaseDialect | Promise<DatabaseDialect>): Promise<LedgerStore> {
  try {
    const dialect = await createDialect();
    const { createListener } = dialect;
    const store = await openOn(dialect);
    const invoke: Invoke = async (method, args) => {
      try {
        return await (store[method] as (...args: readonly unknown[]) => Promise<unknown>)(...args);
      } catch (error) {
        throw toLedgerError(error);
      }
    };
    return proxy(invoke, {
      isShared: dialect.isShared,
      openLeases: createListener && ((leases) => createLeaseStore(createListener, leases)),
      close: () => store.close(),
    });
  } catch (error) {
    throw toLedgerError(error);
  }
}

async function openInThreads(path: string, siblings: Siblings | undefined): Promise<LedgerStore> {
  const isShared = siblings !== undefined;
  const writer = createWorkerLink({ path, isShared, isReader: false });
  const reader = createWorkerLink({ path, isShared, isReader: true, idleMs: READER_IDLE_MS });
  try {
    await writer.call('loadCounters', [[]]); // opens and migrates
  } catch (error) {
    await writer.close();
    throw new LedgerError(`${path}: ${messageOf(error)}`, 'place', error);
  }
  return proxy((method, args) => (READS.has(method) ? reader : writer).call(method, args), {
    isShared,
    openLeases: siblings && ((leases) => openFileLeases({ ...leases, siblings, call: writer.call })),
    async close() {
      await reader.close();
      await writer.close();
    },
  });
}

function proxy(invoke: Invoke, own: Pick<LedgerStore, 'isShared' | 'openLeases' | 'close'>): LedgerStore {
  // Each method gives what the store behind it gives; types cannot see through `invoke`.
  const pass =
    <M extends Method>(method: M) =>
    (...args: Parameters<EncodedLedgerStore[M]>) =>
      invoke(method, args) as ReturnType<EncodedLedgerStore[M]>;
  const writeEncoded = pass('writeEncoded');
  return {
    write: (batch: LedgerBatch) => writeEncoded(encodeBatch(batch, Date.now())),
    list: pass('list'),
    find: pass('find'),
    total: pass('total'),
    sums: pass('sums'),
    filterValues: pass('filterValues'),
    span: pass('span'),
    listLlm: pass('listLlm'),
    findLlm: pass('findLlm'),
    totalLlm: pass('totalLlm'),
    sumsLlm: pass('sumsLlm'),
    latenciesLlm: pass('latenciesLlm'),
    filterValuesLlm: pass('filterValuesLlm'),
    spanLlm: pass('spanLlm'),
    removeLogs: pass('removeLogs'),
    removeLlmLogs: pass('removeLlmLogs'),
    prune: pass('prune'),
    closeStale: pass('closeStale'),
    setCounter: pass('setCounter'),
    loadCounters: pass('loadCounters'),
    countersSince: pass('countersSince'),
    removeCounters: pass('removeCounters'),
    ...own,
  };
}
