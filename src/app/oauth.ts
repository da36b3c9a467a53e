import type { EgressPolicy } from '../lib/egress-rules.ts';
import { createGuardedFetch } from '../lib/guarded-fetch.ts';
import { createOAuth } from '../mcp/oauth/create-oauth.ts';
import type { FetchFor, OAuth } from '../mcp/oauth/oauth.ts';
import type { Common } from './common.ts';

/** How the gateway signs in to servers. */
export async function openOAuth({ stores, changes, settings, egress, onError, cleanup }: Common): Promise<OAuth> {
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
    publicUrl: () => settings().mcp_external_client_url,
    onError,
  });
  cleanup.defer(() => oauth.stop());
  return oauth;
}
