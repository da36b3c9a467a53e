import { sql, type Kysely } from 'kysely';
import type { DatabaseDialect } from '../../dialect.ts';
import { dropTables, type ReversibleMigration } from '../../migrations/reversible.ts';

/** The tables of requests to models. */
export function llmLogs(dialect: DatabaseDialect): ReversibleMigration {
  return {
    async up(db) {
      await createLogs(db, dialect);
      await createContents(db, dialect);
      await createSums(db, dialect, { name: 'log_rollups', names: SUM_NAMES, numbers: [], sums: SUMS });
      const slots = { numbers: ['slot'], sums: ['count'] };
      await createSums(db, dialect, { name: 'log_latencies', names: SUM_NAMES, ...slots });
      await createSums(db, dialect, { name: 'log_model_latencies', names: MODEL_NAMES, ...slots });
    },
    async down(db) {
      await dropTables(db, 'log_model_latencies', 'log_latencies', 'log_rollups', 'log_contents', 'logs');
    },
  };
}

const NAMES = [
  'object',
  'provider',
  'model',
  'principal',
  'virtual_key_id',
  'team_id',
  'customer_id',
  'status',
  'node',
];
const TEXTS = [
  'parent_request_id',
  'alias',
  'virtual_key_name',
  'team_name',
  'customer_name',
  'user_agent',
  'request_id',
  'metadata',
  'stop_reason',
  'error_code',
  'error_message',
  'selected_key_id',
  'selected_key_name',
];
const COUNTS = ['timestamp', 'fallback_index', 'stream', 'number_of_retries', 'created_at'];
const NUMBERS = [
  'latency',
  'latency_slot',
  'first_byte',
  'prompt_tokens',
  'completion_tokens',
  'total_tokens',
  'cached_read_tokens',
  'cached_write_tokens',
  'reasoning_tokens',
  'is_estimate',
  'cost',
];
const SUMS = [
  'count',
  'latency_sum',
  'cost_sum',
  'unpriced',
  'prompt_tokens',
  'completion_tokens',
  'total_tokens',
  'cached_read_tokens',
  'roots',
  'user_successes',
];

const MODEL_NAMES = ['provider', 'model', 'object', 'status'];
const SUM_NAMES = ['provider', 'model', 'object', 'virtual_key_id', 'team_id', 'customer_id', 'status'];

async function createLogs(db: Kysely<unknown>, dialect: DatabaseDialect): Promise<void> {
  let table = db.schema
    .createTable('logs')
    .addColumn('seq', dialect.type === 'sqlite' ? 'integer' : 'bigint', dialect.autoNumber)
    .addColumn('id', 'text', (column) => column.notNull().unique());
  for (const name of NAMES) table = table.addColumn(name as 'node', 'text', (column) => column.notNull());
  for (const name of TEXTS) table = table.addColumn(name as 'alias', 'text');
  for (const name of COUNTS) table = table.addColumn(name as 'timestamp', 'bigint', (column) => column.notNull());
  for (const name of NUMBERS) table = table.addColumn(name as 'latency', 'bigint');
  await table.execute();
  // The time comes second, so that a page is read in its order and no further.
  for (const name of ['provider', 'model', 'virtual_key_id', 'status', 'selected_key_id']) {
    await db.schema.createIndex(`logs_${name}`).on('logs').columns([name, 'timestamp']).execute();
  }
  await db.schema.createIndex('logs_timestamp').on('logs').column('timestamp').execute();
  for (const name of ['parent_request_id', 'request_id']) {
    const index = db.schema.createIndex(`logs_${name}`).on('logs').column(name);
    await index.where(name as never, 'is not', null).execute();
  }
}

async function createContents(db: Kysely<unknown>, dialect: DatabaseDialect): Promise<void> {
  let table = db.schema
    .createTable('log_contents')
    .addColumn('log_seq', dialect.type === 'sqlite' ? 'integer' : 'bigint', (column) => column.primaryKey());
  for (const name of ['input', 'params', 'tools', 'output']) {
    table = table
      .addColumn(name as 'log_seq', 'text')
      .addColumn(`${name}_size` as 'log_seq', 'bigint', (column) => column.notNull());
  }
  await table.execute();
}

interface SumTable {
  readonly name: string;
  /** The key: names, and numbers behind them. */
  readonly names: readonly string[];
  readonly numbers: readonly string[];
  readonly sums: readonly string[];
}

async function createSums(
  db: Kysely<unknown>,
  { type }: DatabaseDialect,
  { name, names, numbers, sums }: SumTable,
): Promise<void> {
  let table = db.schema.createTable(name);
  const key = ['span', 'bucket_start', ...names, ...numbers];
  for (const column of key) {
    const kind = names.includes(column) ? 'text' : 'bigint';
    table = table.addColumn(column, kind, (build) => build.notNull());
  }
  for (const column of sums) table = table.addColumn(column, 'bigint', (build) => build.notNull());
  // On SQLite the rows lie in the order of the key, so that a range of time is read in one go.
  await table
    .addPrimaryKeyConstraint(`${name}_key`, key as never)
    .modifyEnd(type === 'sqlite' ? sql`without rowid` : sql``)
    .execute();
}
