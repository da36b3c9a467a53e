import fc from 'fast-check';
import { Kysely, sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { DATABASES, newPostgresUrl } from '../../../../test/kit/databases.ts';
import { llmEnd, llmStart, tokenUsage } from '../../../../test/kit/ledger.ts';
import { sqlite } from '../../dialect.ts';
import { postgres } from '../../postgres.ts';
import { encodeBatch } from '../batch.ts';
import { migrateLedger } from '../migrate.ts';
import { SPANS } from '../rollups.ts';
import type { Sql } from '../run-values.ts';
import { LOG_STATUSES, type LedgerTables } from '../tables.ts';
import { writeBatch } from '../write-batch.ts';
import type { LlmBatch } from './batch.ts';
import type { LlmFilter } from './filter.ts';
import { totalOfRequests } from './read.ts';
import { closeStaleRequests, pruneLlmLogs, removeLlmLogs } from './remove.ts';
import { MEASURES, MODEL_NAMES, SUM_NAMES } from './rollups.ts';
import { NO_SUMS, spreadLatencies, sumRequests } from './sums.ts';

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
    id,
    timestamp: time,
    provider: fc.constantFrom('openai', 'anthropic'),
    model: fc.constantFrom('gpt-5', 'opus'),
    virtual_key_id: fc.constantFrom('k1', undefined),
    team_id: fc.constantFrom('t1', undefined),
    parent_request_id: fc.constantFrom('p', undefined),
    fallback_index: fc.integer({ min: 0, max: 1 }),
  })
  .map(llmStart);
const usage = fc
  .record({ prompt_tokens: fc.nat(1e6), completion_tokens: fc.nat(1e5), total_tokens: fc.nat(2e6) })
  .map(tokenUsage);
const end = fc
  .record({
    status: fc.constantFrom('success' as const, 'error' as const),
    latency: fc.double({ min: 0, max: 1e6, noNaN: true }),
    cost: fc.option(fc.integer({ min: 0, max: 1e12 }), { nil: undefined }),
    usage: fc.option(usage, { nil: undefined }),
  })
  .map(llmEnd);

type Step =
  | { readonly kind: 'write'; readonly llm: LlmBatch }
  | { readonly kind: 'remove'; readonly ids: readonly string[] }
  | { readonly kind: 'prune'; readonly before: number }
  | { readonly kind: 'close'; readonly before: number };

const llm = fc.record({
  started: fc.array(start, { maxLength: 4 }),
  ended: fc.array(fc.record({ id, end }), { maxLength: 4 }),
  completed: fc.array(fc.record({ start, end }), { maxLength: 20 }),
});
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 6, arbitrary: llm.map((llm) => ({ kind: 'write' as const, llm })) },
  { weight: 1, arbitrary: fc.array(id, { maxLength: 5 }).map((ids) => ({ kind: 'remove' as const, ids })) },
  { weight: 1, arbitrary: time.map((before) => ({ kind: 'prune' as const, before })) },
  { weight: 1, arbitrary: time.map((before) => ({ kind: 'close' as const, before })) },
);
const some = <T>(...values: [T, ...T[]]) =>
  fc.option(fc.uniqueArray(fc.constantFrom(...values), { minLength: 1 }), { nil: undefined });
const filter: fc.Arbitrary<LlmFilter> = fc.record({
  from: fc.option(time, { nil: undefined }),
  to: fc.option(time, { nil: undefined }),
  providers: some('openai', 'none'),
  models: some('gpt-5', 'opus'),
  virtual_key_ids: some('k1', ''),
  team_ids: some('t1', ''),
  status: some(...LOG_STATUSES),
});

describe.each(DATABASES)('sums of requests to models in %s', (type) => {
  test('equal what the rows give, whatever is written, ended, deleted and pruned', async () => {
    const dialect = type === 'sqlite' ? sqlite(':memory:') : postgres({ url: await newPostgresUrl() }, () => {});
    const db = new Kysely<LedgerTables>({ dialect: dialect.kysely });
    await migrateLedger(db, dialect);
    const on: Sql = { db, type, isShared: false };
    let seq = 0;

    async function run(step: Step): Promise<void> {
      seq += 1;
      const rest = { started: [], ended: [], completed: [], charges: [] };
      if (step.kind === 'remove') await removeLlmLogs(on, step.ids);
      else if (step.kind === 'prune') await pruneLlmLogs(on, step.before);
      else if (step.kind === 'close')
        await closeStaleRequests(on, { node: 'n', startedBefore: step.before, silenceMs: 1e9 });
      else await writeBatch(on, encodeBatch({ node: 'n', seq, ...rest, llm: step.llm }, 1));
    }

    const property = fc.asyncProperty(
      fc.array(step, { maxLength: 8 }),
      fc.array(filter, { maxLength: 3 }),
      async (steps, filters) => {
        for (const table of ['logs', 'log_contents', 'log_rollups', 'log_latencies', 'log_model_latencies'] as const)
          await db.deleteFrom(table).execute();
        for (const one of steps) await run(one);
        for (const span of SPANS) {
          expect(await stored(db, span)).toEqual(await recounted(db, span));
          expect(await storedLatencies(db, span)).toEqual(await recountedLatencies(db, span));
          expect(await sumOfSlots(db, span, 'log_model_latencies')).toEqual(
            await sumOfSlots(db, span, 'log_latencies'),
          );
        }
        for (const one of filters) await compare(on, one);
      },
    );
    try {
      await fc.assert(property, { numRuns: type === 'sqlite' ? 120 : 12 });
    } finally {
      await db.destroy();
    }
  });
});

/** A search for every latency cannot be answered from sums, so it counts rows; what runs has no latency. */
async function compare(on: Sql, filter: LlmFilter): Promise<void> {
  const ended = (filter.status ?? ['success', 'error']).filter((status) => status !== 'processing');
  const total = await totalOfRequests(on, filter);
  const rows = ended.length === 0 ? NO_SUMS : await totalOfRequests(on, { ...filter, status: ended, min_latency: 0 });
  expect({ ...total, running: 0 }).toEqual(rows);
  expect(total.count + total.running).toBe(await countRows(on, filter));
  const groups = await sumRequests(on, filter, { bucket: 600_000, byModel: true });
  expect(groups.reduce((sum, { count }) => sum + count, 0)).toBe(total.count);
  const spread = await spreadLatencies(on, filter, 600_000);
  const counts = spread.flatMap(({ slots }) => [...slots.values()]);
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(total.count);
}

const KEY = ['bucket_start', ...SUM_NAMES] as const;

function stored(db: Kysely<LedgerTables>, span: number) {
  const query = db.selectFrom('log_rollups').select([...KEY, ...MEASURES]);
  return query
    .where('span', '=', span)
    .orderBy(sql`1, 2, 3, 4, 5, 6, 7, 8`)
    .execute();
}

function storedLatencies(db: Kysely<LedgerTables>, span: number) {
  const query = db.selectFrom('log_latencies').select([...KEY, 'slot', 'count']);
  return query
    .where('span', '=', span)
    .orderBy(sql`1, 2, 3, 4, 5, 6, 7, 8, 9`)
    .execute();
}

/** What is left of latencies when it does not matter who asked. */
function sumOfSlots(db: Kysely<LedgerTables>, span: number, table: 'log_latencies' | 'log_model_latencies') {
  const query = db
    .selectFrom(table as 'log_latencies')
    .select(['bucket_start', ...MODEL_NAMES, 'slot', sql<number>`cast(sum(count) as bigint)`.as('count')]);
  return query
    .where('span', '=', span)
    .groupBy(sql`1, 2, 3, 4, 5, 6`)
    .orderBy(sql`1, 2, 3, 4, 5, 6`)
    .execute();
}

const ROWS = (span: number) => `(select timestamp - timestamp % ${span} as bucket_start, logs.* from logs
  where status in ('success', 'error')) as r`;

/** The definition of the sums, written down once more and independently. */
async function recounted(db: Kysely<LedgerTables>, span: number) {
  const sum = (expression: string, name: string) => `cast(sum(coalesce(${expression}, 0)) as bigint) as ${name}`;
  const { rows } = await sql
    .raw(`
    select ${KEY.join(', ')}, ${sum('1', 'count')}, ${sum('latency', 'latency_sum')}, ${sum('cost', 'cost_sum')},
      cast(count(*) - count(cost) as bigint) as unpriced, ${sum('prompt_tokens', 'prompt_tokens')},
      ${sum('completion_tokens', 'completion_tokens')}, ${sum('total_tokens', 'total_tokens')},
      ${sum('cached_read_tokens', 'cached_read_tokens')},
      cast(count(*) - count(parent_request_id) as bigint) as roots,
      ${sum("case when status = 'error' or (parent_request_id = 'p' and fallback_index = 0) then 0 else 1 end", 'user_successes')}
    from ${ROWS(span)} group by 1, 2, 3, 4, 5, 6, 7, 8 order by 1, 2, 3, 4, 5, 6, 7, 8`)
    .execute(db);
  return rows;
}

async function recountedLatencies(db: Kysely<LedgerTables>, span: number) {
  const { rows } = await sql
    .raw(`
    select ${KEY.join(', ')}, latency_slot as slot, cast(count(*) as bigint) as count
    from ${ROWS(span)} group by 1, 2, 3, 4, 5, 6, 7, 8, 9 order by 1, 2, 3, 4, 5, 6, 7, 8, 9`)
    .execute(db);
  return rows;
}

async function countRows({ db }: Sql, { from = 0, to = 1e15, status = LOG_STATUSES, ...filter }: LlmFilter) {
  const rows = await db.selectFrom('logs').selectAll().execute();
  return rows.filter(
    (row) =>
      row.timestamp >= from &&
      row.timestamp <= to &&
      status.includes(row.status) &&
      (filter.providers?.includes(row.provider) ?? true) &&
      (filter.models?.includes(row.model) ?? true) &&
      (filter.virtual_key_ids?.includes(row.virtual_key_id) ?? true) &&
      (filter.team_ids?.includes(row.team_id) ?? true),
  ).length;
}
