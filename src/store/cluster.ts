import { createOrder } from '../lib/in-order.ts';
import { oneAtATime } from '../lib/one-at-a-time.ts';
import type { Changes } from './changes.ts';
import type { NodeRow, NodeStore } from './nodes.ts';

/** Another process of the gateway, on the same database. */
export type Peer = Pick<NodeRow, 'id' | 'address' | 'isDraining'>;

/** The processes of the gateway on one database, as this one knows them. */
export interface Cluster {
  /** The name of this process. */
  readonly node: string;
  /** The others that live, as far as is known. */
  others(): readonly Peer[];
  find(id: string): Peer | undefined;
  /** Nothing answers at this one; it counts as dead until it gives a sign of life. */
  suspect(id: string): void;
  /** Enters this process, and keeps it entered. When it returns, the others know it. */
  join(address: string): Promise<void>;
  /** Tells the others that this process takes nothing new. */
  drain(): Promise<void>;
  /** Tells the others that this process is gone. */
  leave(): Promise<void>;
}

interface ClusterDeps {
  readonly node: string;
  readonly store: NodeStore;
  readonly changes: Pick<Changes, 'subscribe' | 'publish' | 'reloadAll'>;
  readonly onError: (error: unknown) => void;
  readonly beatMs?: number;
  /** Whether a process is known to have ended, where that can be known. */
  readonly isGone?: ((id: string) => boolean) | undefined;
}

interface Known extends NodeRow {
  /** So many beats of ours without one of its own. */
  missed: number;
  isSuspected: boolean;
  /** It ended without a word, as far as its beats say. */
  isDead: boolean;
}

const BEAT_MS = 5_000;
const BEATS_TO_DIE = 3;
const BEATS_TO_FORGET = 12;

/**
 * Who is there: a row for each process, which it touches every few seconds. A row that nobody touched during a few beats of ours
 * is of a process that died. No clocks are compared, and while the database is away nobody is taken for dead.
 */
export function createCluster(deps: ClusterDeps): Cluster {
  const { node, store, changes, onError, beatMs = BEAT_MS, isGone = (): boolean => false } = deps;
  let known = new Map<string, Known>();
  let own: { address: string; isDraining: boolean } | undefined;
  let timer: NodeJS.Timeout | undefined;

  const inOrder = createOrder();
  changes.subscribe((table) => (table === 'nodes' ? read(0) : undefined));

  const read = (beats: 0 | 1): Promise<void> => inOrder(() => readNow(beats));

  async function readNow(beats: 0 | 1): Promise<void> {
    const rows = (await store.list()).filter(({ id }) => id !== node);
    const before = known;
    known = new Map(
      rows.map((row) => {
        const former = before.get(row.id);
        const isSame = former?.beat === row.beat;
        const missed = isSame ? former.missed + beats : 0;
        const isDead = missed >= BEATS_TO_DIE || isGone(row.id);
        return [row.id, { ...row, missed, isSuspected: isSame && former.isSuspected, isDead }];
      }),
    );
    if ([...before.values()].some(hasDied)) void changes.reloadAll().catch(onError);
  }

  /** It may have died between a write and its notice. Another process may have forgotten it already. */
  const hasDied = ({ id, isDead }: Known): boolean => !isDead && (known.get(id)?.isDead ?? isGone(id));

  async function put(): Promise<void> {
    if (own !== undefined) await store.put({ id: node, ...own });
  }

  async function beat(): Promise<void> {
    await put();
    await read(1);
    const dead = [...known.values()].filter(({ id, missed }) => missed >= BEATS_TO_FORGET || isGone(id));
    await store.remove(dead.map(({ id }) => id));
  }

  /** As long as the database takes for one beat, none is counted against the others either. */
  const beatAgain = oneAtATime(() => beat().catch(onError));

  const isAlive = ({ id, missed, isSuspected }: Known): boolean => missed < BEATS_TO_DIE && !isSuspected && !isGone(id);

  return {
    node,
    others: () => [...known.values()].filter(isAlive),
    find(id) {
      const found = known.get(id);
      return found !== undefined && isAlive(found) ? found : undefined;
    },
    suspect(id) {
      const found = known.get(id);
      if (found !== undefined) found.isSuspected = true;
    },
    async join(address) {
      own = { address, isDraining: false };
      await beat();
      timer = setInterval(beatAgain, beatMs).unref();
      await changes.publish('nodes', node);
    },
    async drain() {
      if (own === undefined) return;
      own = { ...own, isDraining: true };
      await put();
      await changes.publish('nodes', node);
    },
    async leave() {
      clearInterval(timer);
      if (own === undefined) return;
      own = undefined;
      await store.remove([node]);
      await changes.publish('nodes', node);
    },
  };
}
