import { dropTables, type ReversibleMigration } from './reversible.ts';

/** Providers of models, and their keys. */
export function providers(): ReversibleMigration {
  return {
    async up(db) {
      await db.schema
        .createTable('providers')
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('description', 'text', (column) => column.notNull())
        .addColumn('network', 'text', (column) => column.notNull())
        .addColumn('extra_headers', 'text', (column) => column.notNull())
        .addColumn('ca_cert_pem', 'text', (column) => column.notNull())
        .addColumn('concurrency', 'integer', (column) => column.notNull())
        .addColumn('buffer_size', 'integer', (column) => column.notNull())
        .addColumn('custom', 'text')
        .addColumn('send_back_raw_request', 'integer', (column) => column.notNull())
        .addColumn('send_back_raw_response', 'integer', (column) => column.notNull())
        .addColumn('store_raw_request_response', 'integer', (column) => column.notNull())
        .addColumn('config_hash', 'text', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('updated_at', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('providers_name_key', ['name'])
        .execute();
      await db.schema
        .createTable('provider_keys')
        .addColumn('id', 'text', (column) => column.notNull())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('provider', 'text', (column) => column.notNull().references('providers.name').onDelete('cascade'))
        .addColumn('secrets', 'text', (column) => column.notNull())
        .addColumn('cloud', 'text', (column) => column.notNull())
        .addColumn('models', 'text', (column) => column.notNull())
        .addColumn('blacklisted_models', 'text', (column) => column.notNull())
        .addColumn('weight', 'double precision', (column) => column.notNull())
        .addColumn('enabled', 'integer', (column) => column.notNull())
        .addColumn('aliases', 'text', (column) => column.notNull())
        .addColumn('description', 'text', (column) => column.notNull())
        .addColumn('config_hash', 'text', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('updated_at', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('provider_keys_id_key', ['id'])
        .addUniqueConstraint('provider_keys_name_key', ['name'])
        .execute();
      await db.schema.createIndex('provider_keys_provider').on('provider_keys').column('provider').execute();
    },
    async down(db) {
      await dropTables(db, 'provider_keys', 'providers');
    },
  };
}
