import type { AuditAction } from '../contract/audit.ts';
import type { CommitClient } from '../config/reconcile.ts';
import { describeChange, type Actor, type Change } from '../governance/audit.ts';
import type { AuditStore } from '../store/audit.ts';
import type { Database } from '../store/database.ts';
import type { HeaderCredentialStore } from '../store/header-credentials.ts';
import type { McpClientStore } from '../store/mcp-clients.ts';
import { clientView } from './client-config.ts';
import { onClientChange } from './personal/on-client-change.ts';
import type { Registration } from './registration.ts';

/** What is done to a client, as the audit trail shows it. `now` is what is stored after it, or what is removed. */
export function clientChange(action: AuditAction, now: Described, before?: Described): Change {
  const isStored = action === 'create' || action === 'update';
  const former = action === 'delete' ? now : before;
  return {
    action,
    entity: 'mcp_client',
    id: now.client.client_id,
    name: now.client.name,
    before: former && describe(former),
    after: isStored ? describe(now) : undefined,
  };
}

/** A record, and its grants where they are known. */
type Described = Pick<Registration, 'client'> & Partial<Registration>;

function describe({ client, grants }: Described): object {
  if (grants === undefined) return clientView(client);
  const vk_configs = [...grants].map(([virtual_key_id, tools_to_execute]) => ({ virtual_key_id, tools_to_execute }));
  return { ...clientView(client), vk_configs };
}

interface Deps {
  readonly database: Pick<Database, 'transaction'>;
  readonly clients: Pick<McpClientStore, 'with'>;
  readonly headerCredentials: Pick<HeaderCredentialStore, 'with'>;
  readonly audit: Pick<AuditStore, 'with'>;
}

/** How the servers of config.json are stored: each change with its record, both or neither. */
export function createCommitClient(deps: Deps, actor: Actor): CommitClient {
  const { database, clients, audit } = deps;
  return ({ before, after }, write) =>
    database.transaction(async (tx) => {
      await write(clients.with(tx));
      if (before !== undefined && after !== undefined) await onClientChange(deps, tx, { before, after });
      const client = after ?? before;
      if (client === undefined) return;
      const action = after === undefined ? 'delete' : before === undefined ? 'create' : 'update';
      // The file says nothing of grants, and what it changes leaves them alone.
      const change = clientChange(action, { client }, before && { client: before });
      await audit.with(tx).append(describeChange(actor, change));
    });
}
