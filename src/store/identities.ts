import type { IdentityMode } from './holder.ts';
import type { Executor } from './schema.ts';

/** What an API key is known by where it acts as a user; also the principal of its callers. */
export function apiKeyIdentity(id: number | string): string {
  return `api-key:${id}`;
}

/** An identity is gone, and with it all that it entered or signed in to. Belongs into the transaction that removes the identity. */
export async function removeIdentity(db: Executor, mode: IdentityMode, identity: string): Promise<void> {
  // The forms first: one that is being entered right now ends before this, or finds its form gone.
  for (const table of ['header_flows', 'header_credentials', 'oauth_flows', 'oauth_tokens'] as const)
    await db.deleteFrom(table).where('mode', '=', mode).where('identity', '=', identity).execute();
}
