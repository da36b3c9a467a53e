import { randomUUID } from 'node:crypto';
import type { Stores } from '../config/open-stores.ts';
import { createChanges, type Changes } from '../store/changes.ts';
import { createCluster, type Cluster } from '../store/cluster.ts';
import { isLocalNodeGone, nameLocalNode } from '../store/local-node.ts';
import { createNodeStore } from '../store/nodes.ts';

interface ClusterParts {
  readonly changes: Changes;
  /** Undefined where no other process can work on the database. */
  readonly cluster: Cluster | undefined;
}

/** What the processes on one database know of each other. */
export async function openCluster({ database }: Stores, onError: (error: unknown) => void): Promise<ClusterParts> {
  if (!database.dialect.isShared) return { changes: await createChanges(database, onError), cluster: undefined };
  // Whoever shares a file is on this machine, so nobody has to wait for one that was killed.
  const isHere = database.dialect.type === 'sqlite';
  const node = isHere ? nameLocalNode() : randomUUID();
  const others = (): string[] => cluster.others().map(({ id }) => id);
  const changes = await createChanges(database, onError, { node, others });
  const cluster = createCluster({
    ...{ node, store: createNodeStore(database.db), changes, onError },
    isGone: isHere ? isLocalNodeGone : undefined,
  });
  return { changes, cluster };
}
