import type { CreateTableBuilder, Kysely } from 'kysely';
import type { DatabaseDialect } from '../dialect.ts';
import { dropTables, type ReversibleMigration } from './reversible.ts';

// Constraints are named table_column_key: dialect.ts reads the column from the name when PostgreSQL reports a violation.

/** Virtual keys, their owners, what they may call, and what they may spend. */
export function governance(dialect: DatabaseDialect): ReversibleMigration {
  return {
    async up(db) {
      await createOwners(db);
      await createVirtualKeys(db);
      await createProviderConfigs(db, dialect);
      await createGrants(db, dialect);
      await createLimits(db);
    },
    async down(db) {
      await dropTables(db, 'rate_limits', 'budgets', 'grants', 'provider_configs');
      await dropTables(db, 'virtual_keys', 'teams', 'customers');
    },
  };
}

async function createOwners(db: Kysely<unknown>): Promise<void> {
  await withTimes(db.schema.createTable('customers'))
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('config_hash', 'text')
    .addUniqueConstraint('customers_name_key', ['name'])
    .execute();
  await withTimes(db.schema.createTable('teams'))
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('customer_id', 'text', (column) => column.references('customers.id').onDelete('set null'))
    .addColumn('config_hash', 'text')
    .addUniqueConstraint('teams_name_key', ['name'])
    .execute();
}

async function createVirtualKeys(db: Kysely<unknown>): Promise<void> {
  await withTimes(db.schema.createTable('virtual_keys'))
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('description', 'text', (column) => column.notNull())
    .addColumn('value', 'text', (column) => column.notNull())
    .addColumn('value_hash', 'text', (column) => column.notNull())
    .addColumn('previous_value_hash', 'text')
    .addColumn('previous_expires_at', 'bigint')
    .addColumn('is_active', 'integer', (column) => column.notNull())
    .addColumn('allow_all_providers', 'integer', (column) => column.notNull())
    .addColumn('team_id', 'text', (column) => column.references('teams.id').onDelete('set null'))
    .addColumn('customer_id', 'text', (column) => column.references('customers.id').onDelete('set null'))
    .addColumn('calendar_aligned', 'integer', (column) => column.notNull())
    .addColumn('expires_at', 'bigint')
    .addColumn('delete_after_expire', 'integer')
    .addColumn('disable_content_logging', 'integer')
    .addColumn('metadata', 'text', (column) => column.notNull())
    .addColumn('created_by_user_id', 'text')
    .addColumn('config_hash', 'text')
    .addUniqueConstraint('virtual_keys_name_key', ['name'])
    .addUniqueConstraint('virtual_keys_value_hash_key', ['value_hash'])
    .execute();
}

async function createProviderConfigs(db: Kysely<unknown>, dialect: DatabaseDialect): Promise<void> {
  await db.schema
    .createTable('provider_configs')
    .addColumn('id', 'integer', dialect.autoNumber)
    .addColumn('virtual_key_id', 'text', (column) => column.notNull().references('virtual_keys.id').onDelete('cascade'))
    .addColumn('provider', 'text', (column) => column.notNull())
    .addColumn('weight', 'double precision')
    .addColumn('allowed_models', 'text', (column) => column.notNull())
    .addColumn('blacklisted_models', 'text', (column) => column.notNull())
    .addColumn('allow_all_keys', 'integer', (column) => column.notNull())
    .addColumn('key_ids', 'text', (column) => column.notNull())
    .addUniqueConstraint('provider_configs_provider_key', ['virtual_key_id', 'provider'])
    .execute();
}

async function createGrants(db: Kysely<unknown>, dialect: DatabaseDialect): Promise<void> {
  await db.schema
    .createTable('grants')
    .addColumn('id', 'integer', dialect.autoNumber)
    .addColumn('virtual_key_id', 'text', (column) => column.notNull().references('virtual_keys.id').onDelete('cascade'))
    .addColumn('client_id', 'text', (column) =>
      column.notNull().references('mcp_clients.client_id').onDelete('cascade'),
    )
    .addColumn('tools_to_execute', 'text', (column) => column.notNull())
    .addUniqueConstraint('grants_virtual_key_id_key', ['virtual_key_id', 'client_id'])
    .execute();
  await db.schema.createIndex('grants_client').on('grants').column('client_id').execute();
}

async function createLimits(db: Kysely<unknown>): Promise<void> {
  await withOwner(db.schema.createTable('budgets'))
    .addColumn('max_limit', 'double precision', (column) => column.notNull())
    .addColumn('reset_duration', 'text', (column) => column.notNull())
    .addColumn('calendar_aligned', 'integer', (column) => column.notNull())
    .addColumn('quarter_start_month', 'integer')
    .addColumn('override_amount', 'double precision')
    .addColumn('override_until', 'bigint')
    .addUniqueConstraint('budgets_reset_duration_key', ['owner_kind', 'owner_id', 'reset_duration'])
    .execute();
  await withOwner(db.schema.createTable('rate_limits'))
    .addColumn('token_max_limit', 'bigint')
    .addColumn('token_reset_duration', 'text')
    .addColumn('request_max_limit', 'bigint')
    .addColumn('request_reset_duration', 'text')
    .addUniqueConstraint('rate_limits_owner_id_key', ['owner_kind', 'owner_id'])
    .execute();
}

function withTimes(table: CreateTableBuilder<string>) {
  return table
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull());
}

function withOwner(table: CreateTableBuilder<string>) {
  return withTimes(table)
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('owner_kind', 'text', (column) => column.notNull())
    .addColumn('owner_id', 'text', (column) => column.notNull());
}
