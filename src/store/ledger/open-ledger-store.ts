import type { DatabaseOptions } from '../database.ts';
import { postgres, type PostgresOptions } from '../dialect.ts';
import { encodeBatch, type LedgerBatch } from './batch.ts';
import { LedgerError, toLedgerError } from './faults.ts';
import { openOn, type EncodedLedgerStore, type LedgerStore } from './ledger-store.ts';
import { createWorkerLink, type WorkerLink } from './worker-link.ts';

type Method = Exclude<keyof EncodedLedgerStore, 'close'>;
type Invoke = (method: Method, args: readonly unknown[]) => Promise<unknown>;

/** Reads that may take long; on SQLite a thread of their own answers them. */
const READS: ReadonlySet<Method> = new Set<Method>(['list', 'find', 'total', 'sums', 'filterValues', 'span']);
const READER_IDLE_MS = 5 * 60_000;
const POOL = 4;

/**
 * Opens the ledger: on SQLite in threads that own its file, on PostgreSQL over a few connections of its own. `onError` hears
 * of connections that broke while idle.
 */
export async function openLedgerStore(
  options: DatabaseOptions,
  onError: (error: unknown) => void = () => {},
): Promise<LedgerStore> {
  return options.type === 'sqlite' ? openInThreads(options.path) : openPostgres(options.config, onError);
}

async function openPostgres(config: PostgresOptions, onError: (error: unknown) => void): Promise<LedgerStore> {
  try {
    const max_open_conns = Math.min(config.max_open_conns ?? POOL, POOL);
    const store = await openOn(postgres({ ...config, max_open_conns }, onError));
    const invoke: Invoke = async (method, args) => {
      try {
        return await (store[method] as (...args: readonly unknown[]) => Promise<unknown>)(...args);
      } catch (error) {
        throw toLedgerError(error);
      }
    };
    return proxy(invoke, { isShared: true, close: () => store.close() });
  } catch (error) {
    throw toLedgerError(error);
  }
}

async function openInThreads(path: string): Promise<LedgerStore> {
  const writer = createWorkerLink({ path, isReader: false });
  // What is in memory is seen by one connection only.
  const reader: WorkerLink | undefined =
    path === ':memory:' ? undefined : createWorkerLink({ path, isReader: true, idleMs: READER_IDLE_MS });
  const invoke: Invoke = (method, args) => (READS.has(method) && reader ? reader : writer).call(method, args);
  try {
    await writer.call('loadCounters', [[]]); // opens and migrates
  } catch (error) {
    await writer.close();
    throw new LedgerError(`${path}: ${toLedgerError(error).message}`, 'place', error);
  }
  const close = async (): Promise<void> => {
    await reader?.close();
    await writer.close();
  };
  return proxy(invoke, { isShared: false, close });
}

function proxy(invoke: Invoke, own: Pick<LedgerStore, 'isShared' | 'close'>): LedgerStore {
  // Each method gives what the store behind it gives; `satisfies` below cannot see through `invoke`.
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
    removeLogs: pass('removeLogs'),
    prune: pass('prune'),
    closeStale: pass('closeStale'),
    setCounter: pass('setCounter'),
    loadCounters: pass('loadCounters'),
    countersSince: pass('countersSince'),
    removeCounters: pass('removeCounters'),
    ...own,
  };
}
