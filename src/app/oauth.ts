import { describeChange } from '../governance/audit.ts';
import type { EgressPolicy } from '../lib/egress-rules.ts';
import { GatewayError } from '../lib/errors.ts';
import { createGuardedFetch } from '../lib/guarded-fetch.ts';
import { createOAuth } from '../mcp/oauth/create-oauth.ts';
import type { FetchFor } from '../mcp/oauth/fetch.ts';
import type { OAuth } from '../mcp/oauth/oauth.ts';
import { isIdentityMode } from '../mcp/personal/identity.ts';
import type { McpClient } from '../store/mcp-clients.ts';
import type { OAuthFlow } from '../store/oauth-flows.ts';
import type { Executor } from '../store/schema.ts';
import type { Common } from './common.ts';

/** How the gateway signs in to servers. */
export async function openOAuth({ file, stores, changes, settings, egress, onError, cleanup }: Common): Promise<OAuth> {
  const fetchFor: FetchFor = (server = '') => {
    // Of a server without an address nothing is known, so nothing is made easier for it.
    const isKnown = URL.canParse(server);
    const policy: EgressPolicy = isKnown ? { kind: 'discovered', server: new URL(server) } : { kind: 'stranger' };
    return createGuardedFetch({ egress, policy });
  };
  const oauth = await createOAuth({
    database: stores.database,
    store: stores.oauth,
    changes,
    fetchFor,
    onUser: createOnUser(stores),
    onBegin: createOnBegin(stores),
    publicUrl: () => settings().mcp_external_client_url,
    idp: file.auth?.oidc,
    onError,
  });
  cleanup.defer(() => oauth.stop());
  return oauth;
}

/** A sign-in is for the server that was asked: one at another place must not be given its token. */
function createOnBegin({ headerCredentials, database }: Pick<Common['stores'], 'headerCredentials' | 'database'>) {
  return async (tx: Executor, { client_id, name, updated_at }: McpClient): Promise<void> => {
    const now = await headerCredentials.with(tx).lockClient(client_id, database.dialect);
    if (now !== updated_at) throw new GatewayError('conflict', `${name} was changed in the meantime; begin again`);
  };
}

/** A token is kept only while somebody waits for it: the link is used up with it, and gone when it was taken back. */
function createOnUser({ headerCredentials, audit }: Pick<Common['stores'], 'headerCredentials' | 'audit'>) {
  return async (tx: Executor, { client_id, mode, identity, label, id }: OAuthFlow): Promise<void> => {
    if (!isIdentityMode(mode)) return;
    const holder = { mode, identity, label };
    if (!(await headerCredentials.with(tx).flows.claimOfHolder(client_id, holder)))
      throw new GatewayError('flow_over', 'The link was used before or taken back. Repeat the call that led to it.');
    const actor = { principal: `mcp-flow:${id}`, name: 'link to an MCP session', request: undefined };
    const after = { mcp_client_id: client_id, auth_mode: mode, identity, label };
    const change = { action: 'create', entity: 'mcp_session', id, name: `${client_id} / ${mode}`, after } as const;
    await audit.with(tx).append(describeChange(actor, change));
  };
}
