import { sql, type Selectable } from 'kysely';
import { whereLogs, type LogFilter } from './log-filter.ts';
import type { Sql } from './run-values.ts';
import { sumLogs, type Sums } from './sums.ts';
import type { ContentTable, LogTable } from './tables.ts';

/** One call as it is stored, with what is kept of its content. */
export type StoredLog = Selectable<LogTable> &
  Partial<Record<keyof Omit<ContentTable, 'log_seq'>, string | number | null>> & {
    readonly arguments: string | null;
    readonly arguments_size: number | null;
    readonly result: string | null;
    readonly result_size: number | null;
  };

/** Which part of the logs a page shows. */
export interface PageRequest {
  readonly limit: number;
  readonly offset: number;
  readonly sort_by: 'timestamp' | 'latency' | 'cost';
  readonly order: 'asc' | 'desc';
  /** Characters of arguments and result that are read. */
  readonly preview: number;
}

/** A page, and what all calls of the filter have in common. */
export interface LogPage {
  readonly logs: readonly StoredLog[];
  readonly sums: Sums;
  /** Whether there is any log at all, whatever the filter. */
  readonly hasLogs: boolean;
}

/** What can be filtered by. */
export interface FilterValues {
  readonly tool_names: readonly string[];
  readonly server_labels: readonly string[];
  readonly virtual_keys: readonly { readonly id: string; readonly name: string }[];
}

const NOTHING: Sums = { count: 0, success: 0, error: 0, latency: 0, cost: 0 };

/** Sums of all calls that a filter means. */
export async function totalOf(sqlOf: Sql, filter: LogFilter): Promise<Sums> {
  return (await sumLogs(sqlOf, filter, { by: 'nothing' })).get('') ?? NOTHING;
}

/** One page of logs. */
export async function listLogs(sqlOf: Sql, filter: LogFilter, page: PageRequest): Promise<LogPage> {
  const sums = await totalOf(sqlOf, filter);
  const logs = sums.count > page.offset ? await pageOf(sqlOf, filter, page) : [];
  const hasLogs = sums.count > 0 || (await span(sqlOf)) !== undefined;
  return { logs, sums, hasLogs };
}

async function pageOf({ db, type }: Sql, filter: LogFilter, page: PageRequest): Promise<StoredLog[]> {
  const { sort_by, order, limit, offset, preview } = page;
  // The page is chosen first, so that content is read for its rows only. Calls that run have no latency: they come last.
  const nulls = sort_by === 'latency' ? sql.raw(' nulls last') : sql.raw('');
  const chosen = db
    .selectFrom('mcp_logs')
    .select('mcp_logs.seq as chosen')
    .where(whereLogs(filter, type))
    .orderBy(sql`${sql.ref(sort_by)} ${sql.raw(order)}${nulls}, seq ${sql.raw(order)}`)
    .limit(limit)
    .offset(offset);
  const found = await chosen.execute();
  const seqs = found.map((row) => row.chosen);
  if (seqs.length === 0) return [];
  const rows = await selectFull({ db }, preview).where('mcp_logs.seq', 'in', seqs).execute();
  const bySeq = new Map(rows.map((row) => [row.seq, row]));
  // A row that went in between is left out.
  return seqs.flatMap((seq) => bySeq.get(seq) ?? []);
}

function selectFull({ db }: Pick<Sql, 'db'>, preview: number) {
  const length = sql.lit(preview);
  return db
    .selectFrom('mcp_logs')
    .leftJoin('mcp_log_contents', 'log_seq', 'mcp_logs.seq')
    .selectAll('mcp_logs')
    .select(['arguments_size', 'result_size'])
    .select([
      sql<string | null>`substr(arguments, 1, ${length})`.as('arguments'),
      sql<string | null>`substr(result, 1, ${length})`.as('result'),
    ]);
}

/** One log with all that is kept of it. */
export async function findLog(sqlOf: Sql, id: string, preview: number): Promise<StoredLog | undefined> {
  return selectFull(sqlOf, preview).where('id', '=', id).executeTakeFirst();
}

/** The times of the first and the last log; undefined when there is none. */
export async function span({ db }: Sql): Promise<{ first: number; last: number } | undefined> {
  const at = (order: 'asc' | 'desc') =>
    db.selectFrom('mcp_logs').select('timestamp').orderBy('timestamp', order).limit(1).executeTakeFirst();
  const first = await at('asc');
  const last = await at('desc');
  return first === undefined || last === undefined ? undefined : { first: first.timestamp, last: last.timestamp };
}

/** Every tool, server and key that has logs. */
export async function filterValues(sqlOf: Sql): Promise<FilterValues> {
  const keys = await distinct(sqlOf, 'virtual_key_id');
  const virtual_keys: { id: string; name: string }[] = [];
  for (const id of keys) virtual_keys.push({ id, name: await latestName(sqlOf, id) });
  return {
    tool_names: await distinct(sqlOf, 'tool_name'),
    server_labels: await distinct(sqlOf, 'server_label'),
    virtual_keys,
  };
}

/** Jumps from one value to the next in the index: the work grows with the values, not with the rows. */
async function distinct({ db }: Sql, name: 'tool_name' | 'server_label' | 'virtual_key_id'): Promise<string[]> {
  const column = sql.ref(name);
  const { rows } = await sql<{ value: string }>`
    with recursive found(value) as (
      select min(${column}) from mcp_logs where ${column} > ''
      union all
      select (select min(${column}) from mcp_logs where ${column} > found.value) from found where found.value is not null
    ) select value from found where value is not null`.execute(db);
  return rows.map(({ value }) => value);
}

async function latestName({ db }: Sql, id: string): Promise<string> {
  const row = await db
    .selectFrom('mcp_logs')
    .select('virtual_key_name')
    .where('virtual_key_id', '=', id)
    .orderBy('timestamp', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row?.virtual_key_name ?? id;
}
