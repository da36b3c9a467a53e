import { grantOf, type Guarded } from '../../governance/access.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { Holder } from '../../store/holder.ts';
import type { McpClient } from '../../store/mcp-clients.ts';

/** A server to which each caller has a credential of their own, with the keys that may use it. */
export interface PersonalServer {
  readonly client: McpClient;
  readonly grants: Guarded['grants'];
}

/** Whether a credential is of no use because its key may not use the server: never stored, so that it is always true. */
export function isOrphaned(server: PersonalServer, { mode, identity }: Pick<Holder, 'mode' | 'identity'>): boolean {
  return mode === 'vk' && grantOf(server, identity).length === 0;
}

/** Throws `forbidden` for an orphaned credential. */
export function checkAccess(server: PersonalServer, holder: Pick<Holder, 'mode' | 'identity'>): void {
  if (!isOrphaned(server, holder)) return;
  throw new GatewayError(
    'forbidden',
    `this virtual key may not use ${server.client.name} any more; entering credentials again would not change that`,
  );
}
