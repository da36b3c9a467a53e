import type { Encryption } from '../lib/encryption.ts';
import { createOAuthConfigStore, type OAuthConfigStore } from './oauth-configs.ts';
import { createOAuthFlowStore, type OAuthFlowStore } from './oauth-flows.ts';
import { createOAuthTokenStore, type OAuthTokenStore } from './oauth-tokens.ts';
import type { Executor } from './schema.ts';

/** Everything that signing in to servers leaves behind. */
export interface OAuthStore {
  readonly configs: OAuthConfigStore;
  readonly flows: OAuthFlowStore;
  readonly tokens: OAuthTokenStore;
  /** The same stores inside a transaction. */
  with(tx: Executor): OAuthStore;
  /**
   * The configuration becomes the one of this client, and the only one: the tokens of persons that another had given are to be
   * renewed by signing in under this one.
   */
  adopt(config_id: string, client_id: string): Promise<void>;
  /** Forgets all that belongs to one MCP client. */
  removeOfClient(client_id: string): Promise<void>;
}

/** Opens the three stores on one database or transaction. */
export function createOAuthStore(db: Executor, encryption: Encryption): OAuthStore {
  return {
    configs: createOAuthConfigStore(db, encryption),
    flows: createOAuthFlowStore(db, encryption),
    tokens: createOAuthTokenStore(db, encryption),
    with: (tx) => createOAuthStore(tx, encryption),
    async adopt(config_id, client_id) {
      const now = Date.now();
      const others = await db
        .selectFrom('oauth_configs')
        .select('id')
        .where('mcp_client_id', '=', client_id)
        .where('id', '!=', config_id)
        .execute();
      const ids = others.map(({ id }) => id);
      if (ids.length > 0) {
        await db.deleteFrom('oauth_tokens').where('config_id', 'in', ids).where('identity', '=', '').execute();
        await db
          .updateTable('oauth_tokens')
          .set({ config_id, status: 'needs_reauth', status_reason: 'the OAuth configuration changed', updated_at: now })
          .where('config_id', 'in', ids)
          .execute();
        await db.deleteFrom('oauth_flows').where('config_id', 'in', ids).execute();
        await db.deleteFrom('oauth_configs').where('id', 'in', ids).execute();
      }
      await db.updateTable('oauth_tokens').set({ client_id }).where('config_id', '=', config_id).execute();
      await db
        .updateTable('oauth_configs')
        .set({ mcp_client_id: client_id, pending_client: '', expires_at: null, updated_at: now })
        .where('id', '=', config_id)
        .execute();
    },

    async removeOfClient(client_id) {
      await db.deleteFrom('oauth_tokens').where('client_id', '=', client_id).execute();
      await db.deleteFrom('oauth_flows').where('client_id', '=', client_id).execute();
      await db.deleteFrom('oauth_configs').where('mcp_client_id', '=', client_id).execute();
    },
  };
}
