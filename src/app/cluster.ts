import { randomUUID } from 'node:crypto';
import type { Stores } from '../config/open-stores.ts';
import { createChanges, type Changes } from '../store/changes.ts';
import { createCluster, type Cluster } from '../store/cluster.ts';
import { createNodeStore } from '../store/nodes.ts';

interface ClusterParts {
  readonly changes: Changes;
  /** Undefined where no other process can work on the database. */
  readonly cluster: Cluster | undefined;
}

/** What the processes on one database know of each other. */
export async function openCluster({ database }: Stores, onError: (error: unknown) => void): Promise<ClusterParts> {
  if (!database.dialect.isShared) return { changes: await createChanges(database, onError), cluster: undefined };
  const node = randomUUID();
  const others = (): string[] => cluster.others().map(({ id }) => id);
  const changes = await createChanges(database, onError, { node, others });
  const cluster = createCluster({ node, store: createNodeStore(database.db), changes, onError });
  return { changes, cluster };
}
