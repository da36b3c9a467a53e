import { Kysely, sql as raw } from 'kysely';
import type { CounterState } from '../ledger-rows.ts';
import type { DatabaseDialect } from '../dialect.ts';
import type { EncodedBatch, LedgerBatch } from './batch.ts';
import { countersSince, loadCounters, removeCounters, setCounter, type ChangedCounters } from './counters.ts';
import { endLeases, grantLeases, type Asker } from './grant-leases.ts';
import type { LeaseReply, LeaseRequest, LeaseStore, LeaseStoreOptions } from './lease-store.ts';
import type { LlmFilter } from './llm/filter.ts';
import {
  findLlmLog,
  listLlmLogs,
  llmFilterValues,
  llmSpan,
  totalOfRequests,
  type LlmFilterValues,
  type LlmLogPage,
  type LlmPageRequest,
  type StoredLlmLog,
} from './llm/read.ts';
import { closeStaleRequests, pruneLlmLogs, removeLlmLogs } from './llm/remove.ts';
import {
  spreadLatencies,
  sumRequests,
  type LlmGroup,
  type LlmGrouping,
  type LlmLatencies,
  type LlmSums,
} from './llm/sums.ts';
import type { LogFilter } from './log-filter.ts';
import { migrateLedger } from './migrate.ts';
import {
  filterValues,
  findLog,
  listLogs,
  span,
  totalOf,
  type FilterValues,
  type LogPage,
  type PageRequest,
  type StoredLog,
} from './read-logs.ts';
import { closeStale, pruneLogs, removeLogs, type StaleCalls } from './remove.ts';
import type { Sql } from './run-values.ts';
import { sumLogs, type Grouping, type Sums } from './sums.ts';
import type { LedgerTables } from './tables.ts';
import { writeBatch } from './write-batch.ts';

/** Reads of logs. They may take long, and must not hold up a write. */
export interface LogReader {
  /** A page of logs. */
  list(filter: LogFilter, page: PageRequest): Promise<LogPage>;
  /** One log; of its content `preview` characters. */
  find(id: string, preview: number): Promise<StoredLog | undefined>;
  total(filter: LogFilter): Promise<Sums>;
  sums(filter: LogFilter, grouping: Grouping): Promise<Map<string | number, Sums>>;
  filterValues(): Promise<FilterValues>;
  /** The times of the first and the last log. */
  span(): Promise<{ first: number; last: number } | undefined>;
}

/** The same for requests to models. */
export interface LlmLogReader {
  listLlm(filter: LlmFilter, page: LlmPageRequest): Promise<LlmLogPage>;
  findLlm(id: string, preview: number): Promise<StoredLlmLog | undefined>;
  totalLlm(filter: LlmFilter): Promise<LlmSums>;
  sumsLlm(filter: LlmFilter, grouping: LlmGrouping): Promise<LlmGroup[]>;
  /** How long requests took, by buckets of so many milliseconds. */
  latenciesLlm(filter: LlmFilter, bucket: number): Promise<LlmLatencies[]>;
  filterValuesLlm(): Promise<LlmFilterValues>;
  spanLlm(): Promise<{ first: number; last: number } | undefined>;
}

/** The ledger of one database: logs of tool calls and of requests to models, and what was used of budgets and limits. */
export interface LedgerStore extends LogReader, LlmLogReader {
  /** Whether other processes may write to it too. */
  readonly isShared: boolean;
  /** Opens the leases of this process, where there may be others. */
  readonly openLeases: ((options: LeaseStoreOptions) => LeaseStore) | undefined;
  /** Writes a batch in one transaction, and once only; gives the counters that it touched as they are then. */
  write(batch: LedgerBatch): Promise<CounterState[]>;
  /** Deletes logs of tool calls; says how many there were. */
  removeLogs(ids: readonly string[]): Promise<number>;
  /** Deletes logs of requests to models; says how many there were. */
  removeLlmLogs(ids: readonly string[]): Promise<number>;
  /** Deletes logs of both kinds from before a time; says how many there were. */
  prune(before: number): Promise<number>;
  /** Turns rows of dead processes into errors; says how many. */
  closeStale(stale: StaleCalls): Promise<number>;
  setCounter(state: CounterState): Promise<void>;
  loadCounters(ids?: readonly string[]): Promise<CounterState[]>;
  /** Counters that any process changed since `at` of an earlier answer; 0 for all. */
  countersSince(since: number): Promise<ChangedCounters>;
  removeCounters(ids: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

/** The same with batches as they cross threads. */
export interface EncodedLedgerStore extends Omit<LedgerStore, 'write' | 'isShared' | 'openLeases'> {
  writeEncoded(batch: EncodedBatch): Promise<CounterState[]>;
  /** A request for leases of a file; undefined when it came after a later one. PostgreSQL has a function for it. */
  grantLeases(asker: Asker, requests: readonly LeaseRequest[]): Promise<LeaseReply | undefined>;
  /** Gives back everything that a process holds of a file. */
  endLeases(node: string): Promise<void>;
}

/** Opens the ledger on a database. `isReader`: for queries beside the connection that writes; the tables are there. */
export async function openOn(
  dialect: DatabaseDialect,
  { isReader = false }: { isReader?: boolean } = {},
): Promise<EncodedLedgerStore> {
  const db = new Kysely<LedgerTables>({ dialect: dialect.kysely });
  try {
    if (isReader) await raw`pragma query_only = on`.execute(db);
    else await migrateLedger(db, dialect);
    dialect.onMigrated?.();
    // Twice what SQLite takes by itself: the indexes of a million rows do not fit into less.
    if (dialect.type === 'sqlite') await raw`pragma cache_size = -16000`.execute(db);
  } catch (error) {
    await db.destroy();
    throw error;
  }
  return createStore({ db, type: dialect.type, isShared: dialect.isShared });
}

function createStore(sql: Sql): EncodedLedgerStore {
  return {
    writeEncoded: (batch) => writeBatch(sql, batch),
    list: (filter, page) => listLogs(sql, filter, page),
    find: (id, preview) => findLog(sql, id, preview),
    total: (filter) => totalOf(sql, filter),
    sums: (filter, grouping) => sumLogs(sql, filter, grouping),
    filterValues: () => filterValues(sql),
    span: () => span(sql),
    listLlm: (filter, page) => listLlmLogs(sql, filter, page),
    findLlm: (id, preview) => findLlmLog(sql, id, preview),
    totalLlm: (filter) => totalOfRequests(sql, filter),
    sumsLlm: (filter, grouping) => sumRequests(sql, filter, grouping),
    latenciesLlm: (filter, bucket) => spreadLatencies(sql, filter, bucket),
    filterValuesLlm: () => llmFilterValues(sql),
    spanLlm: () => llmSpan(sql),
    removeLogs: (ids) => removeLogs(sql, ids),
    removeLlmLogs: (ids) => removeLlmLogs(sql, ids),
    prune: async (before) => (await pruneLogs(sql, before)) + (await pruneLlmLogs(sql, before)),
    // The first of them says that this process lives.
    closeStale: async (stale) => (await closeStale(sql, stale)) + (await closeStaleRequests(sql, stale)),
    setCounter: (state) => setCounter(sql, state),
    loadCounters: (ids) => loadCounters(sql, ids),
    countersSince: (since) => countersSince(sql, since),
    removeCounters: (ids) => removeCounters(sql, ids),
    grantLeases: (asker, requests) => grantLeases(sql, asker, requests),
    endLeases: (node) => endLeases(sql, node),
    close: () => sql.db.destroy(),
  };
}
