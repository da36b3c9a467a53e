import { GatewayError } from '../lib/errors.ts';
import { createLatest } from '../lib/latest.ts';
import { isForeignKeyViolation } from './dialect.ts';
import type { Executor } from './schema.ts';

/** What one virtual key may call of one server. */
export interface Grant {
  readonly id: number;
  readonly virtual_key_id: string;
  readonly client_id: string;
  /** A white list: `["*"]` all that the server exposes, `[]` nothing, even where the server is open to all keys. */
  readonly tools_to_execute: readonly string[];
}

/** Which grants to list. */
export interface GrantFilter {
  readonly client_id?: string;
  readonly virtual_key_id?: string | readonly string[];
}

/** The table that `vk_configs` of a server and `mcp_configs` of a virtual key both edit. */
export interface GrantStore {
  /** The same store inside a transaction. */
  with(tx: Executor): GrantStore;
  /** Of one server, of one virtual key or several, or all; in order of their ids. */
  list(filter?: GrantFilter): Promise<Grant[]>;
  /** Makes these the only grants of a server. Throws `conflict` when a key of them is gone, as the next one does for a server. */
  replaceOfClient(client_id: string, grants: readonly Omit<Grant, 'id' | 'client_id'>[]): Promise<void>;
  /** Makes these the only grants of a virtual key. */
  replaceOfKey(virtual_key_id: string, grants: readonly Omit<Grant, 'id' | 'virtual_key_id'>[]): Promise<void>;
}

/** Rows of one statement: SQLite takes some 32,000 values, PostgreSQL twice as many. */
const ROWS_AT_ONCE = 5_000;

/** Thousands of grants have the same few lists, which are then the same objects too. */
const lists = createLatest<string, readonly string[]>(1_000);

function readList(text: string): readonly string[] {
  return lists.get(text, () => Object.freeze(JSON.parse(text) as string[]));
}

export function createGrantStore(db: Executor): GrantStore {
  /** A grant that stays keeps its row, and with it its id. */
  async function replace(
    column: 'client_id' | 'virtual_key_id',
    id: string,
    grants: readonly Omit<Grant, 'id'>[],
  ): Promise<void> {
    const before = await list({ [column]: id });
    const kept = new Set(grants.map(keyOf));
    const gone = before.filter((grant) => !kept.has(keyOf(grant))).map((grant) => grant.id);
    for (let from = 0; from < gone.length; from += ROWS_AT_ONCE) {
      await db
        .deleteFrom('grants')
        .where('id', 'in', gone.slice(from, from + ROWS_AT_ONCE))
        .execute();
    }
    for (let from = 0; from < grants.length; from += ROWS_AT_ONCE) {
      const rows = grants.slice(from, from + ROWS_AT_ONCE).map(({ virtual_key_id, client_id, tools_to_execute }) => ({
        virtual_key_id,
        client_id,
        tools_to_execute: JSON.stringify(tools_to_execute),
      }));
      await db
        .insertInto('grants')
        .values(rows)
        .onConflict((conflict) =>
          conflict
            .columns(['virtual_key_id', 'client_id'])
            .doUpdateSet((row) => ({ tools_to_execute: row.ref('excluded.tools_to_execute') })),
        )
        .execute()
        .catch(refuseGone);
    }
  }

  async function list(filter: GrantFilter = {}): Promise<Grant[]> {
    let query = db.selectFrom('grants').selectAll().orderBy('id');
    if (filter.client_id !== undefined) query = query.where('client_id', '=', filter.client_id);
    if (filter.virtual_key_id !== undefined)
      query = query.where('virtual_key_id', 'in', [filter.virtual_key_id].flat());
    const rows = await query.execute();
    return rows.map((row) => ({ ...row, tools_to_execute: readList(row.tools_to_execute) }));
  }

  return {
    with: (tx) => createGrantStore(tx),
    list,
    replaceOfClient: (client_id, grants) =>
      replace(
        'client_id',
        client_id,
        grants.map((grant) => ({ ...grant, client_id })),
      ),
    replaceOfKey: (virtual_key_id, grants) =>
      replace(
        'virtual_key_id',
        virtual_key_id,
        grants.map((grant) => ({ ...grant, virtual_key_id })),
      ),
  };
}

function refuseGone(cause: unknown): never {
  if (!isForeignKeyViolation(cause)) throw cause;
  const message = 'a virtual key or MCP client that was to be granted was deleted at the same time';
  throw new GatewayError('conflict', message, { cause });
}

function keyOf({ virtual_key_id, client_id }: Omit<Grant, 'id'>): string {
  return JSON.stringify([virtual_key_id, client_id]);
}
