import { describeChange, type Actor, type Change } from '../governance/audit.ts';
import type { AuditStore } from '../store/audit.ts';
import type { Changes } from '../store/changes.ts';
import type { Database } from '../store/database.ts';
import type { McpClient, McpClientStore } from '../store/mcp-clients.ts';
import type { Executor } from '../store/schema.ts';
import type { Verified } from './upstream/verify.ts';

/** Something to be written in the same transaction as a record. */
export type Write = (tx: Executor) => Promise<void>;

/** A checked record that is to be in force. */
export interface ClientCommit {
  readonly client: McpClient;
  /** The session that was verified for it, if there is one. */
  readonly found: Verified | undefined;
  readonly actor: Actor;
  readonly change: Change;
  readonly write?: Write;
}

/** How changes of servers are stored. */
export interface ClientCommits {
  /** Stores a change and the record of it, both or neither. */
  record(actor: Actor, change: Change, write?: Write): Promise<void>;
  /** Stores a record, and what the server was found to offer, and brings it into force with the session that was verified for it. */
  commit(commit: ClientCommit): Promise<void>;
}

export interface CommitDeps {
  readonly database: Pick<Database, 'transaction'>;
  readonly store: Pick<McpClientStore, 'with'>;
  readonly audit: Pick<AuditStore, 'with'>;
  readonly changes: Pick<Changes, 'publish'>;
}

/** `verified` is where those who apply the change find the sessions, by client id. */
export function createClientCommits(deps: CommitDeps, verified: Map<string, Verified>): ClientCommits {
  const { database, store, audit, changes } = deps;

  function record(actor: Actor, change: Change, write?: Write): Promise<void> {
    return database.transaction(async (tx) => {
      await write?.(tx);
      await audit.with(tx).append(describeChange(actor, change));
    });
  }

  return {
    record,
    async commit({ client, found, actor, change, write }) {
      const { client_id: id } = client;
      try {
        await record(actor, change, async (tx) => {
          await write?.(tx);
          if (found === undefined) return;
          // For all processes: those that are not connected to the server show that.
          const { session, offer } = found;
          await store.with(tx).saveKnown(id, { offer, era: session.peer.era, found_at: Date.now() });
        });
      } catch (error) {
        await found?.session.close();
        throw error;
      }
      if (found !== undefined) verified.set(id, found);
      await changes.publish('mcp_clients', id);
    },
  };
}
