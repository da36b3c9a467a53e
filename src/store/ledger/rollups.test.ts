import fc from 'fast-check';
import { sql } from 'kysely';
import { Kysely } from 'kysely';
import { describe, expect, test } from 'vitest';
import { DATABASES, newPostgresUrl } from '../../../test/kit/databases.ts';
import { callEnd, callStart } from '../../../test/kit/ledger.ts';
import { sqlite } from '../dialect.ts';
import { postgres } from '../postgres.ts';
import { encodeBatch, type LedgerBatch } from './batch.ts';
import type { LogFilter } from './log-filter.ts';
import { migrateLedger } from './migrate.ts';
import { totalOf } from './read-logs.ts';
import { closeStale, pruneLogs, removeLogs } from './remove.ts';
import { MEASURES, SPANS } from './rollups.ts';
import type { Sql } from './run-values.ts';
import { sumLogs } from './sums.ts';
import { LOG_STATUSES, type LedgerTables } from './tables.ts';
import { writeBatch } from './write-batch.ts';

const T = Date.UTC(2026, 0, 31, 22, 58, 30);
/** Times on both sides of the borders of minutes, hours and days. */
const time = fc.oneof(
  fc.integer({ min: T, max: T + 7_200_000 }),
  fc.constantFrom(0, -1, 1).map((offset) => Date.UTC(2026, 1, 1) + offset),
  fc.integer({ min: T, max: T + 400 * 86_400_000 }),
);
const id = fc.integer({ min: 0, max: 12 }).map(String);
const start = fc
  .record({
    timestamp: time,
    tool_name: fc.constantFrom('read', 'write'),
    server_label: fc.constantFrom('files', undefined),
    virtual_key_id: fc.constantFrom('k1', 'k2', undefined),
  })
  .map(callStart);
const end = fc
  .record({
    status: fc.constantFrom('success' as const, 'error' as const),
    latency: fc.double({ min: 0, max: 1e5, noNaN: true }),
    cost: fc.integer({ min: 0, max: 1e12 }),
  })
  .map(callEnd);

type Step =
  | { readonly kind: 'write'; readonly batch: Pick<LedgerBatch, 'started' | 'ended' | 'completed'> }
  | { readonly kind: 'remove'; readonly ids: readonly string[] }
  | { readonly kind: 'prune'; readonly before: number }
  | { readonly kind: 'close'; readonly before: number };

const named = fc.record({ id, start }).map(({ id, start }) => ({ ...start, id }));
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .record({
        started: fc.array(named, { maxLength: 4 }),
        ended: fc.array(fc.record({ id, end }), { maxLength: 4 }),
        completed: fc.array(fc.record({ start: named, end }), { maxLength: 20 }),
      })
      .map((batch) => ({ kind: 'write' as const, batch })),
  },
  { weight: 2, arbitrary: fc.array(id, { maxLength: 3 }).map((ids) => ({ kind: 'remove' as const, ids })) },
  { weight: 1, arbitrary: time.map((before) => ({ kind: 'prune' as const, before })) },
  { weight: 1, arbitrary: time.map((before) => ({ kind: 'close' as const, before })) },
);

const names = (values: readonly string[]) => fc.option(fc.subarray([...values], { minLength: 1 }), { nil: undefined });
const filter: fc.Arbitrary<LogFilter> = fc.record({
  from: fc.option(time, { nil: undefined }),
  to: fc.option(time, { nil: undefined }),
  tool_names: names(['read', 'write', 'none']),
  server_labels: names(['files']),
  virtual_key_ids: names(['k1', 'k2']),
  status: fc.option(fc.subarray([...LOG_STATUSES], { minLength: 1 }), { nil: undefined }),
});

describe.each(DATABASES)('on %s', (type) => {
  test('sums always equal what the rows give, whatever is written, ended, deleted and pruned', async () => {
    const dialect = type === 'sqlite' ? sqlite(':memory:') : postgres({ url: await newPostgresUrl() }, () => {});
    const db = new Kysely<LedgerTables>({ dialect: dialect.kysely });
    await migrateLedger(db, dialect);
    const on: Sql = { db, type, isShared: false };
    let seq = 0;

    async function run(step: Step): Promise<void> {
      seq += 1;
      if (step.kind === 'remove') await removeLogs(on, step.ids);
      else if (step.kind === 'prune') await pruneLogs(on, step.before);
      else if (step.kind === 'close') await closeStale(on, { node: 'n', startedBefore: step.before, silenceMs: 1e9 });
      else await writeBatch(on, encodeBatch({ node: 'n', seq, charges: [], ...step.batch }, 1));
    }

    try {
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { maxLength: 8 }),
          fc.array(filter, { maxLength: 3 }),
          async (steps, filters) => {
            for (const table of ['mcp_logs', 'mcp_log_contents', 'mcp_log_rollups'] as const) {
              await db.deleteFrom(table).execute();
            }
            for (const one of steps) await run(one);
            for (const span of SPANS) expect(await stored(db, span)).toEqual(await recounted(db, span));
            for (const one of filters) {
              // A search for nothing in particular cannot be answered from sums, so it counts the rows.
              const counted = { ...one, min_latency: undefined, llm_request_ids: undefined };
              expect(await totalOf(on, counted)).toEqual(await countRows(db, one));
              const byTime = await sumLogs(on, one, { by: 'time', bucket: 600_000 });
              expect([...byTime.values()].reduce((sum, { count }) => sum + count, 0)).toBe(
                (await totalOf(on, one)).count,
              );
            }
          },
        ),
        { numRuns: type === 'sqlite' ? 150 : 25 },
      );
    } finally {
      await db.destroy();
    }
  });
});

const KEY = ['bucket_start', 'server_label', 'tool_name', 'virtual_key_id'] as const;

function stored(db: Kysely<LedgerTables>, span: number) {
  const query = db
    .selectFrom('mcp_log_rollups')
    .select([...KEY, ...MEASURES])
    .where('span', '=', span);
  return query.orderBy(sql`1, 2, 3, 4`).execute();
}

/** The definition of the sums, written down once more and independently. */
async function recounted(db: Kysely<LedgerTables>, span: number) {
  const { rows } = await sql
    .raw(`
    select bucket_start, server_label, tool_name, virtual_key_id,
      cast(count(*) as bigint) as started,
      cast(sum(success) as bigint) as success, cast(sum(error) as bigint) as error,
      cast(sum(latency) as bigint) as latency_sum, cast(sum(latency * error) as bigint) as error_latency,
      cast(sum(cost) as bigint) as cost_sum, cast(sum(cost * error) as bigint) as error_cost
    from (select timestamp - timestamp % ${span} as bucket_start, server_label, tool_name, virtual_key_id, cost,
      coalesce(latency, 0) as latency,
      case when status = 'success' then 1 else 0 end as success, case when status = 'error' then 1 else 0 end as error
      from mcp_logs) as r
    group by 1, 2, 3, 4 order by 1, 2, 3, 4`)
    .execute(db);
  return rows;
}

async function countRows(
  db: Kysely<LedgerTables>,
  { from = 0, to = 1e15, status = LOG_STATUSES, ...filter }: LogFilter,
) {
  const all = await db.selectFrom('mcp_logs').selectAll().execute();
  const rows = all.filter(
    (row) =>
      row.timestamp >= from &&
      row.timestamp <= to &&
      status.includes(row.status) &&
      (filter.tool_names?.includes(row.tool_name) ?? true) &&
      (filter.server_labels?.includes(row.server_label) ?? true) &&
      (filter.virtual_key_ids?.includes(row.virtual_key_id) ?? true),
  );
  const count = (status: string) => rows.filter((row) => row.status === status).length;
  return {
    count: rows.length,
    success: count('success'),
    error: count('error'),
    latency: rows.reduce((sum, { latency }) => sum + (latency ?? 0), 0),
    cost: rows.reduce((sum, { cost }) => sum + cost, 0),
  };
}
