import { sql } from 'kysely';
import { coverRange, type CoverPart } from './cover.ts';
import { isSummable, NAME_FILTERS, rangeOf, whereLogs, type LogFilter } from './log-filter.ts';
import { MEASURES } from './rollups.ts';
import type { Sql } from './run-values.ts';

type Measures = Record<(typeof MEASURES)[number], number>;

/** Sums over a group of calls. Latency in microseconds, cost in nano-dollars. */
export interface Sums {
  readonly count: number;
  readonly success: number;
  readonly error: number;
  readonly latency: number;
  readonly cost: number;
}

/** How calls are grouped: all together, by time, or by tool. */
export type Grouping =
  | { readonly by: 'nothing' }
  | { readonly by: 'time'; readonly bucket: number }
  | { readonly by: 'tool' };

const UNBROKEN = 24 * 3_600_000;

/** Sums of the calls that a filter means, by group: '' for all, the start of the bucket, or the tool. Groups without calls are absent. */
export async function sumLogs(sqlOf: Sql, filter: LogFilter, grouping: Grouping): Promise<Map<string | number, Sums>> {
  const groups = new Map<string | number, Measures>();
  const bucket = grouping.by === 'time' ? grouping.bucket : UNBROKEN;
  const range = rangeOf(filter);
  const parts: CoverPart[] = isSummable(filter) ? coverRange(range, bucket) : [{ ...range, source: 'rows' }];
  for (const part of parts) {
    const rows =
      part.source === 'rows' ? sumRows(sqlOf, filter, part, grouping) : sumRollups(sqlOf, filter, part, grouping);
    for (const { slot, ...measures } of await rows) merge(groups, slot, measures);
  }
  return new Map([...groups].flatMap(([key, measures]) => keep(key, pick(measures, filter.status))));
}

const keep = (key: string | number, sums: Sums): [string | number, Sums][] => (sums.count === 0 ? [] : [[key, sums]]);

function merge(groups: Map<string | number, Measures>, key: string | number, measures: Measures): void {
  const known = groups.get(key);
  if (known === undefined) groups.set(key, { ...measures });
  else for (const name of MEASURES) known[name] += measures[name];
}

/** What of the sums belongs to calls of these outcomes. */
function pick(sums: Measures, status: LogFilter['status'] = ['processing', 'success', 'error']): Sums {
  const running = status.includes('processing') ? sums.started - sums.success - sums.error : 0;
  const success = status.includes('success') ? sums.success : 0;
  const error = status.includes('error') ? sums.error : 0;
  const latency =
    (status.includes('success') ? sums.latency_sum - sums.error_latency : 0) +
    (status.includes('error') ? sums.error_latency : 0);
  const cost =
    (status.includes('success') ? sums.cost_sum - sums.error_cost : 0) +
    (status.includes('error') ? sums.error_cost : 0);
  return { count: running + success + error, success, error, latency, cost };
}

/** The expression that groups rows. A number is written out: as a parameter, SQLite would divide it as a fraction. */
function slotOf(grouping: Grouping, time: string) {
  if (grouping.by === 'nothing') return sql<string | number>`''`;
  if (grouping.by === 'tool') return sql<string | number>`tool_name`;
  const size = sql.lit(grouping.bucket);
  return sql<string | number>`${sql.ref(time)} / ${size} * ${size}`;
}

const sumOf = (expression: string) => sql<number>`cast(coalesce(sum(${sql.raw(expression)}), 0) as bigint)`;

/** How each of MEASURES is counted from rows. */
const FROM_ROWS: Readonly<Record<(typeof MEASURES)[number], string>> = {
  started: '1',
  success: "case when status = 'success' then 1 else 0 end",
  error: "case when status = 'error' then 1 else 0 end",
  latency_sum: 'latency',
  error_latency: "case when status = 'error' then latency else 0 end",
  cost_sum: 'cost',
  error_cost: "case when status = 'error' then cost else 0 end",
};

function sumRows({ db, type }: Sql, filter: LogFilter, part: CoverPart, grouping: Grouping) {
  const range = {
    from: Number.isFinite(part.from) ? part.from : undefined,
    to: Number.isFinite(part.to) ? part.to - 1 : undefined,
  };
  let query = db
    .selectFrom('mcp_logs')
    .select([slotOf(grouping, 'timestamp').as('slot'), ...MEASURES.map((name) => sumOf(FROM_ROWS[name]).as(name))])
    .where(whereLogs({ ...filter, ...range }, type));
  if (grouping.by !== 'nothing') query = query.groupBy('slot' as never);
  return query.execute();
}

function sumRollups({ db }: Sql, filter: LogFilter, part: CoverPart, grouping: Grouping) {
  let query = db
    .selectFrom('mcp_log_rollups')
    .select([slotOf(grouping, 'bucket_start').as('slot'), ...MEASURES.map((name) => sumOf(name).as(name))])
    .where('span', '=', part.source as number);
  if (Number.isFinite(part.from)) query = query.where('bucket_start', '>=', part.from);
  if (Number.isFinite(part.to)) query = query.where('bucket_start', '<', part.to);
  for (const [list, column] of NAME_FILTERS) {
    const names = filter[list];
    if (names !== undefined) query = query.where(column, 'in', names as string[]);
  }
  if (grouping.by !== 'nothing') query = query.groupBy('slot' as never);
  return query.execute();
}
