import { sql } from 'kysely';
import type { Executor, NodeTable } from './schema.ts';

/** One process of the gateway, as the others know it. */
export interface NodeRow {
  readonly id: string;
  /** Where the other nodes reach it, such as `10.0.0.5:40123`. */
  readonly address: string;
  /** It takes nothing new, and ends what it has begun. */
  readonly isDraining: boolean;
  /** Grows while the node lives. */
  readonly beat: number;
}

/** The processes on this database. */
export interface NodeStore {
  list(): Promise<NodeRow[]>;
  /** Enters a node, or brings it back after others have taken it for dead. */
  put(node: Omit<NodeRow, 'beat'>): Promise<void>;
  remove(ids: readonly string[]): Promise<void>;
}

/** Rows of `nodes` in, entities out. */
export function createNodeStore(db: Executor): NodeStore {
  return {
    async list() {
      return (await db.selectFrom('nodes').selectAll().orderBy('id').execute()).map(toNode);
    },
    async put({ id, address, isDraining }) {
      const is_draining = Number(isDraining);
      await db
        .insertInto('nodes')
        .values({ id, address, is_draining, beat: 1 })
        .onConflict((conflict) => conflict.column('id').doUpdateSet({ is_draining, beat: sql<number>`nodes.beat + 1` }))
        .execute();
    },
    async remove(ids) {
      if (ids.length > 0) await db.deleteFrom('nodes').where('id', 'in', ids).execute();
    },
  };
}

function toNode({ is_draining, ...row }: NodeTable): NodeRow {
  return { ...row, isDraining: is_draining === 1 };
}
