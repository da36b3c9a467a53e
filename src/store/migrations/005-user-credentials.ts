import type { CreateTableBuilder, Kysely } from 'kysely';
import { dropTables, type ReversibleMigration } from './reversible.ts';

/** What callers prove themselves with to servers that know each of them: header values, and the forms they are entered on. */
export function userCredentials(): ReversibleMigration {
  return {
    async up(db) {
      await createCredentials(db);
      await createFlows(db);
    },
    async down(db) {
      await dropTables(db, 'header_flows', 'header_credentials');
    },
  };
}

async function createCredentials(db: Kysely<unknown>): Promise<void> {
  await ofHolder(db.schema.createTable('header_credentials'))
    .addColumn('header_values', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('status_reason', 'text')
    .addColumn('version', 'integer', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addUniqueConstraint('header_credentials_identity_key', ['client_id', 'mode', 'identity', 'label'])
    .execute();
  await db.schema
    .createIndex('header_credentials_holder')
    .on('header_credentials')
    .columns(['mode', 'identity'])
    .execute();
}

async function createFlows(db: Kysely<unknown>): Promise<void> {
  await ofHolder(db.schema.createTable('header_flows'))
    .addColumn('auth_kind', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('header_flows_holder').on('header_flows').columns(['mode', 'identity']).execute();
}

/** Identities are of several kinds, so only the server is a foreign key. */
function ofHolder(table: CreateTableBuilder<string>) {
  return table
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('client_id', 'text', (column) =>
      column.notNull().references('mcp_clients.client_id').onDelete('cascade'),
    )
    .addColumn('mode', 'text', (column) => column.notNull())
    .addColumn('identity', 'text', (column) => column.notNull())
    .addColumn('identity_name', 'text', (column) => column.notNull())
    .addColumn('label', 'text', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull());
}
