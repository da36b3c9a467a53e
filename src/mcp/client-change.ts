import type { AuditAction } from '../contract/audit.ts';
import type { CommitClient } from '../config/reconcile.ts';
import { describeChange, type Actor, type Change } from '../governance/audit.ts';
import type { AuditStore } from '../store/audit.ts';
import type { Database } from '../store/database.ts';
import type { McpClient, McpClientStore } from '../store/mcp-clients.ts';
import { clientView } from './client-config.ts';

/** What is done to a client, as the audit trail shows it. `client` is the record after it, or the one that is removed. */
export function clientChange(action: AuditAction, client: McpClient, before?: McpClient): Change {
  const isStored = action === 'create' || action === 'update';
  const former = action === 'delete' ? client : before;
  return {
    action,
    entity: 'mcp_client',
    id: client.client_id,
    name: client.name,
    before: former && clientView(former),
    after: isStored ? clientView(client) : undefined,
  };
}

interface Deps {
  readonly database: Pick<Database, 'transaction'>;
  readonly clients: Pick<McpClientStore, 'with'>;
  readonly audit: Pick<AuditStore, 'with'>;
}

/** How the servers of config.json are stored: each change with its record, both or neither. */
export function createCommitClient({ database, clients, audit }: Deps, actor: Actor): CommitClient {
  return ({ before, after }, write) =>
    database.transaction(async (tx) => {
      await write(clients.with(tx));
      const client = after ?? before;
      if (client === undefined) return;
      const action = after === undefined ? 'delete' : before === undefined ? 'create' : 'update';
      await audit.with(tx).append(describeChange(actor, clientChange(action, client, before)));
    });
}
