import type { Kysely } from 'kysely';
import { dropTables, type ReversibleMigration } from './reversible.ts';

/** How the gateway signs in to servers: configurations, sign-ins under way, and the tokens they gave. */
export function oauth(): ReversibleMigration {
  return {
    async up(db) {
      await createConfigs(db);
      await createFlows(db);
      await createTokens(db);
    },
    async down(db) {
      await dropTables(db, 'oauth_tokens', 'oauth_flows', 'oauth_configs');
    },
  };
}

async function createConfigs(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('oauth_configs')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('mcp_client_id', 'text')
    .addColumn('pending_client', 'text', (column) => column.notNull())
    .addColumn('grant_type', 'text', (column) => column.notNull())
    .addColumn('issuer', 'text')
    .addColumn('authorize_url', 'text')
    .addColumn('token_url', 'text')
    .addColumn('registration_url', 'text')
    .addColumn('server', 'text')
    .addColumn('client_id', 'text')
    .addColumn('client_secret', 'text', (column) => column.notNull())
    .addColumn('registration', 'text')
    .addColumn('registered_redirect_uri', 'text')
    .addColumn('registered_scopes', 'text')
    .addColumn('client_secret_expires_at', 'bigint')
    .addColumn('token_endpoint_auth_method', 'text')
    .addColumn('private_key', 'text', (column) => column.notNull())
    .addColumn('scopes', 'text', (column) => column.notNull())
    .addColumn('resource', 'text')
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('status_reason', 'text')
    .addColumn('trace', 'text')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint')
    .execute();
  await db.schema.createIndex('oauth_configs_mcp_client').on('oauth_configs').column('mcp_client_id').execute();
}

async function createFlows(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('oauth_flows')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('config_id', 'text', (column) => column.notNull())
    .addColumn('client_id', 'text', (column) => column.notNull())
    .addColumn('state_hash', 'text', (column) => column.notNull())
    .addColumn('verifier', 'text', (column) => column.notNull())
    .addColumn('issuer', 'text', (column) => column.notNull())
    .addColumn('redirect_uri', 'text', (column) => column.notNull())
    .addColumn('purpose', 'text', (column) => column.notNull())
    .addColumn('mode', 'text', (column) => column.notNull())
    .addColumn('identity', 'text', (column) => column.notNull())
    .addColumn('label', 'text', (column) => column.notNull())
    .addColumn('bind_hash', 'text')
    .addColumn('scopes', 'text', (column) => column.notNull())
    .addColumn('resource', 'text')
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('status_reason', 'text')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addUniqueConstraint('oauth_flows_state_hash_key', ['state_hash'])
    .execute();
  await db.schema.createIndex('oauth_flows_config').on('oauth_flows').column('config_id').execute();
}

async function createTokens(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('oauth_tokens')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('config_id', 'text', (column) => column.notNull())
    .addColumn('client_id', 'text', (column) => column.notNull())
    .addColumn('mode', 'text', (column) => column.notNull())
    .addColumn('identity', 'text', (column) => column.notNull())
    .addColumn('label', 'text', (column) => column.notNull())
    .addColumn('issuer', 'text', (column) => column.notNull())
    .addColumn('resource', 'text')
    .addColumn('access', 'text', (column) => column.notNull())
    .addColumn('refresh', 'text', (column) => column.notNull())
    .addColumn('expires_at', 'bigint')
    .addColumn('scopes', 'text', (column) => column.notNull())
    .addColumn('wanted_scopes', 'text', (column) => column.notNull())
    .addColumn('status', 'text', (column) => column.notNull())
    .addColumn('status_reason', 'text')
    .addColumn('last_refreshed_at', 'bigint')
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    // With the configuration: while a client changes over to another one, the old credential goes on serving.
    .addUniqueConstraint('oauth_tokens_config_id_key', ['config_id', 'client_id', 'mode', 'identity', 'label'])
    .execute();
  await db.schema.createIndex('oauth_tokens_client').on('oauth_tokens').column('client_id').execute();
}
