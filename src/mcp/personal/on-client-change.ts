import type { HeaderCredentialStore } from '../../store/header-credentials.ts';
import type { McpClient, McpClientStore } from '../../store/mcp-clients.ts';
import type { Executor } from '../../store/schema.ts';
import { isMoved, isPerUser, sameHeaderKeys } from '../client-config.ts';

interface Stores {
  readonly headerCredentials: Pick<HeaderCredentialStore, 'with'>;
  readonly clients: Pick<McpClientStore, 'with'>;
}

/** What callers entered for a server may not fit it after a change. Belongs into the transaction that stores the change. */
export async function onClientChange(
  { headerCredentials, clients }: Stores,
  tx: Executor,
  { before, after }: { readonly before: McpClient; readonly after: McpClient },
): Promise<void> {
  const entered = headerCredentials.with(tx);
  const { client_id } = after;
  if (isMoved(before, after)) {
    // Nobody entered their secrets for a server at another place: they must not even be kept to be sent there.
    await entered.demandUpdateOfClient(client_id, 'the server is at another address', { forget: true });
    await forgetSignIns(tx, after);
    if (isPerUser(after)) await clients.with(tx).saveKnown(client_id, undefined);
  } else if (!sameHeaderKeys(before, after)) {
    await entered.demandUpdateOfClient(client_id, 'the server wants other headers');
  }
}

/** Tokens of persons were given for the old place, and so would be those of the sign-ins under way, of administrators, too. */
async function forgetSignIns(tx: Executor, { client_id, oauth_config_id = '' }: McpClient): Promise<void> {
  // Under another configuration an administrator signs in to the new place.
  await tx.deleteFrom('oauth_flows').where('config_id', '=', oauth_config_id).execute();
  await tx.deleteFrom('oauth_flows').where('client_id', '=', client_id).where('purpose', '=', 'user').execute();
  await tx.deleteFrom('oauth_tokens').where('client_id', '=', client_id).where('identity', '!=', '').execute();
}
