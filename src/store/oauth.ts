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
    async removeOfClient(client_id) {
      await db.deleteFrom('oauth_tokens').where('client_id', '=', client_id).execute();
      await db.deleteFrom('oauth_flows').where('client_id', '=', client_id).execute();
      await db.deleteFrom('oauth_configs').where('mcp_client_id', '=', client_id).execute();
    },
  };
}
