import { sql } from 'kysely';
import type { Sql } from '../run-values.ts';
import { CONTENTS, type StoredRequest } from './batch.ts';
import { whereLlmLogs, type LlmFilter } from './filter.ts';
import { NO_SUMS, sumRequests, type LlmSums } from './sums.ts';

/** One request to a model as it is stored, with what is kept of its content. */
export type StoredLlmLog = StoredRequest;

/** Which part of the logs a page shows. */
export interface LlmPageRequest {
  readonly limit: number;
  readonly offset: number;
  readonly sort_by: 'timestamp' | 'latency' | 'tokens' | 'cost';
  readonly order: 'asc' | 'desc';
  /** Characters of each text that are read. */
  readonly preview: number;
}

/** A page, and what all requests of the filter have in common. */
export interface LlmLogPage {
  readonly logs: readonly StoredLlmLog[];
  readonly sums: LlmSums;
  /** Whether there is any log at all, whatever the filter. */
  readonly hasLogs: boolean;
}

/** Somebody or something that logs speak of. */
export interface Named {
  readonly id: string;
  readonly name: string;
}

/** What can be filtered by. */
export interface LlmFilterValues {
  readonly providers: readonly string[];
  readonly models: readonly string[];
  readonly objects: readonly string[];
  readonly selected_keys: readonly Named[];
  readonly virtual_keys: readonly Named[];
}

/** Sums of all requests that a filter means. */
export async function totalOfRequests(on: Sql, filter: LlmFilter): Promise<LlmSums> {
  const [group] = await sumRequests(on, filter, {});
  if (group === undefined) return NO_SUMS;
  const { time: _time, model: _model, ...sums } = group;
  return sums;
}

/** One page of logs. */
export async function listLlmLogs(on: Sql, filter: LlmFilter, page: LlmPageRequest): Promise<LlmLogPage> {
  const sums = await totalOfRequests(on, filter);
  const count = sums.count + sums.running;
  const logs = count > page.offset ? await pageOf(on, filter, page) : [];
  return { logs, sums, hasLogs: count > 0 || (await llmSpan(on)) !== undefined };
}

async function pageOf({ db, type }: Sql, filter: LlmFilter, page: LlmPageRequest): Promise<StoredLlmLog[]> {
  const { sort_by, order, limit, offset, preview } = page;
  const column = sort_by === 'tokens' ? 'total_tokens' : sort_by;
  // What runs, or what nobody knows the cost of, comes last.
  const nulls = sort_by === 'timestamp' ? sql.raw('') : sql.raw(' nulls last');
  // The page is chosen first, so that content is read for its rows only.
  const found = await db
    .selectFrom('logs')
    .select('seq')
    .where(whereLlmLogs(filter, type))
    .orderBy(sql`${sql.ref(column)} ${sql.raw(order)}${nulls}, seq ${sql.raw(order)}`)
    .limit(limit)
    .offset(offset)
    .execute();
  if (found.length === 0) return [];
  const seqs = found.map(({ seq }) => seq);
  const rows = await selectFull({ db }, preview).where('logs.seq', 'in', seqs).execute();
  const bySeq = new Map(rows.map((row) => [row.seq, row]));
  // A row that went in between is left out.
  return seqs.flatMap((seq) => bySeq.get(seq) ?? []);
}

function selectFull({ db }: Pick<Sql, 'db'>, preview: number) {
  const length = sql.lit(preview);
  return db
    .selectFrom('logs')
    .leftJoin('log_contents', 'log_seq', 'logs.seq')
    .selectAll('logs')
    .select(CONTENTS.map((name) => `${name}_size` as const))
    .select(CONTENTS.map((name) => sql<string | null>`substr(${sql.ref(name)}, 1, ${length})`.as(name)));
}

/** One log with all that is kept of it. */
export async function findLlmLog(on: Sql, id: string, preview: number): Promise<StoredLlmLog | undefined> {
  return selectFull(on, preview).where('id', '=', id).executeTakeFirst();
}

/** The times of the first and the last log; undefined when there is none. */
export async function llmSpan({ db }: Sql): Promise<{ first: number; last: number } | undefined> {
  const at = (order: 'asc' | 'desc') =>
    db.selectFrom('logs').select('timestamp').orderBy('timestamp', order).limit(1).executeTakeFirst();
  const [first, last] = [await at('asc'), await at('desc')];
  return first === undefined || last === undefined ? undefined : { first: first.timestamp, last: last.timestamp };
}

/** Every provider, model, kind of request and key that has logs. */
export async function llmFilterValues(on: Sql): Promise<LlmFilterValues> {
  return {
    providers: await inSums(on, 'provider'),
    models: await inSums(on, 'model'),
    objects: await inSums(on, 'object'),
    selected_keys: await withNames(on, 'selected_key', await inIndex(on)),
    virtual_keys: await withNames(on, 'virtual_key', await inSums(on, 'virtual_key_id')),
  };
}

const DAY = 24 * 3_600_000;

/** The sums of whole days are few; requests that run are in none of them. */
async function inSums({ db }: Sql, name: 'provider' | 'model' | 'object' | 'virtual_key_id'): Promise<string[]> {
  const ended = db.selectFrom('log_rollups').select(name).where('span', '=', DAY);
  const running = db.selectFrom('logs').select(name).where('status', '=', 'processing');
  const rows = await ended.union(running).execute();
  return rows
    .map((row) => row[name])
    .filter((value) => value !== '')
    .toSorted();
}

/** Jumps from one key to the next in the index: the work grows with the keys, not with the rows. */
async function inIndex({ db }: Sql): Promise<string[]> {
  const { rows } = await sql<{ value: string }>`
    with recursive found(value) as (
      select min(selected_key_id) from logs where selected_key_id > ''
      union all
      select (select min(selected_key_id) from logs where selected_key_id > found.value) from found
      where found.value is not null
    ) select value from found where value is not null`.execute(db);
  return rows.map(({ value }) => value);
}

async function withNames({ db }: Sql, kind: 'selected_key' | 'virtual_key', ids: readonly string[]): Promise<Named[]> {
  const found: Named[] = [];
  for (const id of ids) {
    const last = db.selectFrom('logs').select(`${kind}_name`).where(`${kind}_id`, '=', id);
    const row = await last.orderBy('timestamp', 'desc').limit(1).executeTakeFirst();
    found.push({ id, name: row?.[`${kind}_name` as 'virtual_key_name'] ?? id });
  }
  return found;
}
