import type { Kysely } from 'kysely';
import type { DatabaseDialect } from '../dialect.ts';
import { dropTables, type ReversibleMigration } from './reversible.ts';

// Constraints are named table_column_key: dialect.ts reads the column from the name when PostgreSQL reports a violation.

/** The first tables: registered servers, API keys, settings. */
export function initial(dialect: DatabaseDialect): ReversibleMigration {
  return {
    async up(db) {
      await createMcpClients(db);
      await createApiKeys(db, dialect);
      await db.schema
        .createTable('settings')
        .addColumn('key', 'text', (column) => column.primaryKey().notNull())
        .addColumn('value', 'text', (column) => column.notNull())
        .execute();
    },
    async down(db) {
      await dropTables(db, 'settings', 'api_keys', 'mcp_clients');
    },
  };
}

async function createMcpClients(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('mcp_clients')
    .addColumn('client_id', 'text', (column) => column.notNull())
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('connection_type', 'text', (column) => column.notNull())
    .addColumn('connection_string', 'text', (column) => column.notNull())
    .addColumn('stdio_config', 'text')
    .addColumn('auth_type', 'text', (column) => column.notNull())
    .addColumn('oauth_config_id', 'text')
    .addColumn('headers', 'text', (column) => column.notNull())
    .addColumn('tools_to_execute', 'text', (column) => column.notNull())
    .addColumn('tools_to_auto_execute', 'text', (column) => column.notNull())
    .addColumn('tool_pricing', 'text', (column) => column.notNull())
    .addColumn('is_code_mode_client', 'integer', (column) => column.notNull())
    .addColumn('allow_on_all_virtual_keys', 'integer', (column) => column.notNull())
    .addColumn('per_user_header_keys', 'text', (column) => column.notNull())
    .addColumn('disabled', 'integer', (column) => column.notNull())
    .addColumn('tls_config', 'text')
    .addColumn('protocol_era', 'text', (column) => column.notNull())
    .addColumn('is_ping_available', 'integer', (column) => column.notNull())
    .addColumn('tool_sync_interval', 'integer', (column) => column.notNull())
    .addColumn('tool_execution_timeout', 'bigint', (column) => column.notNull())
    .addColumn('allowed_extra_headers', 'text', (column) => column.notNull())
    .addColumn('config_hash', 'text')
    .addColumn('known', 'text')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('mcp_clients_client_id_key', ['client_id'])
    .addUniqueConstraint('mcp_clients_name_key', ['name'])
    .execute();
}

async function createApiKeys(db: Kysely<unknown>, dialect: DatabaseDialect): Promise<void> {
  await db.schema
    .createTable('api_keys')
    .addColumn('id', 'integer', dialect.autoNumber)
    .addColumn('name', 'text', (column) => column.notNull())
    .addColumn('key_hash', 'text', (column) => column.notNull())
    .addColumn('key_prefix', 'text', (column) => column.notNull())
    .addColumn('description', 'text')
    .addColumn('scopes', 'text', (column) => column.notNull())
    .addColumn('created_by_user_id', 'text')
    .addColumn('expires_at', 'bigint')
    .addColumn('last_used_at', 'bigint')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addUniqueConstraint('api_keys_name_key', ['name'])
    .addUniqueConstraint('api_keys_key_hash_key', ['key_hash'])
    .execute();
}
