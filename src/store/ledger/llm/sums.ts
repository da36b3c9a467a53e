import { sql } from 'kysely';
import { coverRange, type CoverPart } from '../cover.ts';
import type { Sql } from '../run-values.ts';
import { isSummable, SUM_FILTERS, whereLlmLogs, type LlmFilter } from './filter.ts';
import { MEASURES } from './rollups.ts';

type Measures = Record<(typeof MEASURES)[number], number>;

/** Sums over a group of requests. Latency in microseconds, cost in nano-dollars. */
export interface LlmSums extends Measures {
  readonly success: number;
  readonly error: number;
  /** Begun and not ended: in no other number. */
  readonly running: number;
}

/** How requests are grouped. */
export interface LlmGrouping {
  /** Milliseconds; undefined: all times together. */
  readonly bucket?: number | undefined;
  readonly byModel?: boolean | undefined;
}

/** One group: the start of its bucket and its model, where requests are grouped by them. */
export interface LlmGroup extends LlmSums {
  readonly time: number;
  readonly model: string;
}

/** How many requests took how long, for one bucket. */
export interface LlmLatencies {
  readonly time: number;
  /** Requests by slot; see latency-slots.ts. */
  readonly slots: ReadonlyMap<number, number>;
}

const UNBROKEN = 24 * 3_600_000;

/** Nothing at all. */
export const NO_SUMS: LlmSums = {
  ...{ success: 0, error: 0, running: 0 },
  ...(Object.fromEntries(MEASURES.map((name) => [name, 0])) as Measures),
};

/** Sums of the requests that a filter means, by group. Groups without requests are absent. */
export async function sumRequests(on: Sql, filter: LlmFilter, grouping: LlmGrouping): Promise<LlmGroup[]> {
  const groups = new Map<string, { -readonly [K in keyof LlmGroup]: LlmGroup[K] }>();
  const groupAt = (time: number, model: string) => {
    const key = `${time}\0${model}`;
    const known = groups.get(key) ?? { time, model, ...NO_SUMS };
    groups.set(key, known);
    return known;
  };
  for (const part of partsOf(filter, grouping)) {
    for (const { time, model, status, ...measures } of await sumPart(on, filter, part, grouping)) {
      const group = groupAt(time, model);
      for (const name of MEASURES) group[name] += measures[name];
      group[status] += measures.count;
    }
  }
  for (const { time, model, count } of await countRunning(on, filter, grouping)) groupAt(time, model).running += count;
  return [...groups.values()];
}

/** How long the requests took that a filter means, by bucket. */
export async function spreadLatencies(on: Sql, filter: LlmFilter, bucket: number): Promise<LlmLatencies[]> {
  const found = new Map<number, Map<number, number>>();
  for (const part of partsOf(filter, { bucket })) {
    for (const { time, slot, count } of await spreadPart(on, filter, part, bucket)) {
      const slots = found.get(time) ?? new Map<number, number>();
      found.set(time, slots);
      slots.set(slot, (slots.get(slot) ?? 0) + count);
    }
  }
  return [...found].map(([time, slots]) => ({ time, slots }));
}

function partsOf(filter: LlmFilter, { bucket = UNBROKEN }: LlmGrouping): CoverPart[] {
  const range = { from: filter.from ?? -Infinity, to: (filter.to ?? Infinity) + 1 };
  return isSummable(filter) ? coverRange(range, bucket) : [{ ...range, source: 'rows' }];
}

/** A number is written out: as a parameter, SQLite would divide it as a fraction. */
function timeSlot(bucket: number | undefined, column: 'timestamp' | 'bucket_start') {
  if (bucket === undefined) return sql<number>`cast(0 as bigint)`;
  const size = sql.lit(bucket);
  return sql<number>`${sql.ref(column)} / ${size} * ${size}`;
}

const modelSlot = ({ byModel }: LlmGrouping) => (byModel ? sql<string>`model` : sql<string>`''`);
const sumOf = (expression: string) => sql<number>`cast(coalesce(sum(${sql.raw(expression)}), 0) as bigint)`;
const ENDED = sql<'success' | 'error'>`status`;

/** How each of MEASURES is counted from rows. */
const FROM_ROWS: Readonly<Record<(typeof MEASURES)[number], string>> = {
  count: '1',
  latency_sum: 'latency',
  cost_sum: 'cost',
  unpriced: 'case when cost is null then 1 else 0 end',
  prompt_tokens: 'prompt_tokens',
  completion_tokens: 'completion_tokens',
  total_tokens: 'total_tokens',
  cached_read_tokens: 'cached_read_tokens',
  roots: 'case when parent_request_id is null then 1 else 0 end',
  user_successes:
    "case when status = 'success' and (parent_request_id is null or fallback_index > 0) then 1 else 0 end",
};

function sumPart(on: Sql, filter: LlmFilter, part: CoverPart, grouping: LlmGrouping) {
  const { bucket } = grouping;
  if (part.source === 'rows') {
    return endedRows(on, filter, part)
      .select([timeSlot(bucket, 'timestamp').as('time'), modelSlot(grouping).as('model'), ENDED.as('status')])
      .select(MEASURES.map((name) => sumOf(FROM_ROWS[name]).as(name)))
      .groupBy(sql`1, 2, 3`)
      .execute();
  }
  return summed(on, 'log_rollups', filter, part)
    .select([timeSlot(bucket, 'bucket_start').as('time'), modelSlot(grouping).as('model'), ENDED.as('status')])
    .select(MEASURES.map((name) => sumOf(name).as(name)))
    .groupBy(sql`1, 2, 3`)
    .execute();
}

function spreadPart(on: Sql, filter: LlmFilter, part: CoverPart, bucket: number) {
  if (part.source === 'rows') {
    return endedRows(on, filter, part)
      .select([timeSlot(bucket, 'timestamp').as('time'), sql<number>`latency_slot`.as('slot'), sumOf('1').as('count')])
      .groupBy(sql`1, 2`)
      .execute();
  }
  const { virtual_key_ids, team_ids, customer_ids } = filter;
  const isOfAll = [virtual_key_ids, team_ids, customer_ids].every((owners) => owners === undefined);
  return summed(on, isOfAll ? 'log_model_latencies' : 'log_latencies', filter, part)
    .select([timeSlot(bucket, 'bucket_start').as('time'), 'slot', sumOf('count').as('count')])
    .groupBy(sql`1, 2`)
    .execute();
}

function endedRows({ db, type }: Sql, filter: LlmFilter, part: CoverPart) {
  const from = Number.isFinite(part.from) ? part.from : undefined;
  const to = Number.isFinite(part.to) ? part.to - 1 : undefined;
  return db
    .selectFrom('logs')
    .where(whereLlmLogs({ ...filter, from, to }, type))
    .where('status', '<>', 'processing');
}

type LlmSumTable = 'log_rollups' | 'log_latencies' | 'log_model_latencies';

function summed({ db }: Sql, table: LlmSumTable, filter: LlmFilter, part: CoverPart) {
  // All have what is asked for here; kysely has no type for "one of some tables".
  let query = db.selectFrom(table as 'log_latencies').where('span', '=', part.source as number);
  if (Number.isFinite(part.from)) query = query.where('bucket_start', '>=', part.from);
  if (Number.isFinite(part.to)) query = query.where('bucket_start', '<', part.to);
  for (const [list, column] of SUM_FILTERS) {
    const names = filter[list];
    if (names !== undefined) query = query.where(column, 'in', names as never);
  }
  return query;
}

/** There are few of them, and an index leads there. */
async function countRunning({ db, type }: Sql, filter: LlmFilter, grouping: LlmGrouping) {
  if (filter.status?.includes('processing') === false) return [];
  return db
    .selectFrom('logs')
    .select([timeSlot(grouping.bucket, 'timestamp').as('time'), modelSlot(grouping).as('model')])
    .select(sumOf('1').as('count'))
    .where(whereLlmLogs({ ...filter, status: ['processing'] }, type))
    .groupBy(sql`1, 2`)
    .execute();
}
