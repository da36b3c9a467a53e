import { sql, type Kysely } from 'kysely';
import type { DatabaseDialect } from '../dialect.ts';
import { migrateToLatest, type MigrationSet } from '../migrate.ts';
import { dropTables, type ReversibleMigration } from '../migrations/reversible.ts';
import { leases, leaseTables } from './lease-tables.ts';
import { llmLogs } from './llm/migrate.ts';
import type { LedgerExecutor } from './tables.ts';

/** The migrations of the ledger; tables of their own keep them apart from those of the configuration. */
export function ledgerMigrations(dialect: DatabaseDialect): MigrationSet {
  return {
    migrations: {
      '001-ledger': initial(dialect),
      '002-llm-logs': llmLogs(dialect),
      // The names are there for both all the same, so that a backup of either fits the other.
      '003-leases': dialect.type === 'postgres' ? leases : NOTHING,
      '004-leases-in-files': dialect.type === 'sqlite' ? leaseTables : NOTHING,
    },
    table: 'ledger_migration',
    lockTable: 'ledger_migration_lock',
  };
}

const NOTHING: ReversibleMigration = { up: () => Promise.resolve(), down: () => Promise.resolve() };

/** Brings the tables of the ledger up to date. */
export function migrateLedger(db: LedgerExecutor, dialect: DatabaseDialect): Promise<void> {
  return migrateToLatest(db, ledgerMigrations(dialect), dialect.place);
}

function initial(dialect: DatabaseDialect): ReversibleMigration {
  return {
    async up(db) {
      await createLogs(db, dialect);
      await createContents(db, dialect);
      await createRollups(db, dialect);
      await createCounters(db);
    },
    async down(db) {
      await dropTables(db, 'ledger_nodes', 'counters', 'mcp_log_rollups', 'mcp_log_contents', 'mcp_logs');
    },
  };
}

const LOG_TEXTS = [
  'client_id',
  'virtual_key_name',
  'team_id',
  'team_name',
  'customer_id',
  'customer_name',
  'app',
  'user_agent',
  'request_id',
  'llm_request_id',
  'metadata',
  'error_code',
  'error_message',
];

async function createLogs(db: Kysely<unknown>, dialect: DatabaseDialect): Promise<void> {
  let table = db.schema
    .createTable('mcp_logs')
    .addColumn('seq', dialect.type === 'sqlite' ? 'integer' : 'bigint', dialect.autoNumber)
    .addColumn('id', 'text', (column) => column.notNull().unique())
    .addColumn('timestamp', 'bigint', (column) => column.notNull());
  for (const name of [
    'tool_name',
    'server_label',
    'principal',
    'virtual_key_id',
    'source',
    'status',
    'node',
  ] as const) {
    table = table.addColumn(name, 'text', (column) => column.notNull());
  }
  for (const name of LOG_TEXTS) table = table.addColumn(name, 'text');
  await table
    .addColumn('latency', 'bigint')
    .addColumn('cost', 'bigint', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .execute();
  // The time comes second, so that a page is read in its order and no further. The names behind it are what else is asked
  // for: rows that do not match are passed over without a look at the table.
  for (const columns of [
    ['tool_name', 'timestamp', 'virtual_key_id', 'server_label', 'status'],
    ['server_label', 'timestamp', 'virtual_key_id', 'tool_name', 'status'],
    ['virtual_key_id', 'timestamp', 'tool_name', 'server_label', 'status'],
    ['status', 'timestamp', 'tool_name', 'server_label', 'virtual_key_id'],
  ]) {
    await db.schema.createIndex(`mcp_logs_${columns[0]}`).on('mcp_logs').columns(columns).execute();
  }
  await db.schema.createIndex('mcp_logs_timestamp').on('mcp_logs').column('timestamp').execute();
  await db.schema
    .createIndex('mcp_logs_llm_request_id')
    .on('mcp_logs')
    .column('llm_request_id')
    .where('llm_request_id' as never, 'is not', null)
    .execute();
}

async function createContents(db: Kysely<unknown>, dialect: DatabaseDialect): Promise<void> {
  await db.schema
    .createTable('mcp_log_contents')
    .addColumn('log_seq', dialect.type === 'sqlite' ? 'integer' : 'bigint', (column) => column.primaryKey())
    .addColumn('arguments', 'text')
    .addColumn('arguments_size', 'bigint', (column) => column.notNull())
    .addColumn('result', 'text')
    .addColumn('result_size', 'bigint', (column) => column.notNull())
    .execute();
}

async function createRollups(db: Kysely<unknown>, dialect: DatabaseDialect): Promise<void> {
  let table = db.schema
    .createTable('mcp_log_rollups')
    .addColumn('span', 'bigint', (column) => column.notNull())
    .addColumn('bucket_start', 'bigint', (column) => column.notNull());
  for (const name of ['server_label', 'tool_name', 'virtual_key_id'] as const) {
    table = table.addColumn(name, 'text', (column) => column.notNull());
  }
  for (const name of ['started', 'success', 'error', 'latency_sum', 'error_latency', 'cost_sum', 'error_cost']) {
    table = table.addColumn(name, 'bigint', (column) => column.notNull());
  }
  // On SQLite the rows lie in the order of the key, so that a range of time is read in one go.
  const end = dialect.type === 'sqlite' ? sql`without rowid` : sql``;
  await table
    .addPrimaryKeyConstraint('mcp_log_rollups_key', [
      'span',
      'bucket_start',
      'server_label',
      'tool_name',
      'virtual_key_id',
    ] as never)
    .modifyEnd(end)
    .execute();
}

async function createCounters(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('counters')
    .addColumn('counter_id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('window_start', 'bigint', (column) => column.notNull())
    .addColumn('used', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('counters_updated_at').on('counters').column('updated_at').execute();
  await db.schema
    .createTable('ledger_nodes')
    .addColumn('node', 'text', (column) => column.primaryKey().notNull())
    .addColumn('seq', 'bigint', (column) => column.notNull())
    .addColumn('seen_at', 'bigint', (column) => column.notNull())
    .execute();
}
