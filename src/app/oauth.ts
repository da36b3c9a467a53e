import { fetch } from 'undici';
import { createOAuth } from '../mcp/oauth/create-oauth.ts';
import type { Fetch, OAuth } from '../mcp/oauth/oauth.ts';
import type { Common } from './common.ts';

/** How the gateway signs in to servers. */
export async function openOAuth({ stores, changes, settings, onError, cleanup }: Common): Promise<OAuth> {
  const oauth = await createOAuth({
    database: stores.database,
    store: stores.oauth,
    changes,
    // The types of undici's own fetch differ from those of the global one in name only.
    fetch: fetch as unknown as Fetch,
    publicUrl: () => settings().mcp_external_client_url,
    onError,
  });
  cleanup.defer(() => oauth.stop());
  return oauth;
}
