import { dropTables, type ReversibleMigration } from './reversible.ts';

/** What the authorization server for clients of `/mcp` remembers, so that every node knows it. */
export function inbound(): ReversibleMigration {
  return {
    async up(db) {
      await db.schema
        .createTable('oauth_models')
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('id_hash', 'text', (column) => column.notNull())
        .addColumn('grant_hash', 'text')
        .addColumn('uid_hash', 'text')
        .addColumn('payload', 'text', (column) => column.notNull())
        .addColumn('consumed_at', 'bigint')
        .addColumn('expires_at', 'bigint', (column) => column.notNull())
        .addPrimaryKeyConstraint('oauth_models_key', ['kind', 'id_hash'])
        .execute();
      for (const column of ['grant_hash', 'uid_hash', 'expires_at'])
        await db.schema.createIndex(`oauth_models_${column}`).on('oauth_models').column(column).execute();
      await db.schema
        .createTable('oauth_sessions')
        .addColumn('id', 'text', (column) => column.primaryKey().notNull())
        .addColumn('client_id', 'text', (column) => column.notNull())
        .addColumn('client_name', 'text', (column) => column.notNull())
        .addColumn('principal', 'text', (column) => column.notNull())
        .addColumn('scopes', 'text', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('last_used_at', 'bigint', (column) => column.notNull())
        .addColumn('expires_at', 'bigint', (column) => column.notNull())
        .execute();
      await db.schema.createIndex('oauth_sessions_expires_at').on('oauth_sessions').column('expires_at').execute();
    },
    async down(db) {
      await dropTables(db, 'oauth_sessions', 'oauth_models');
    },
  };
}
