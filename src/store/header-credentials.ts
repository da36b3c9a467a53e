import type { Insertable, Selectable } from 'kysely';
import type { Encryption } from '../lib/encryption.ts';
import type { DatabaseDialect } from './dialect.ts';
import { createHeaderFlowStore, type HeaderFlowStore } from './header-flows.ts';
import type { Holder, IdentityMode } from './holder.ts';
import type { Executor } from './schema.ts';
import type { HeaderCredentialTable } from './tables/credentials.ts';

/** Header values that one identity has entered for one server. */
export interface HeaderCredential extends Holder {
  readonly id: string;
  readonly client_id: string;
  /** The values by header name in lower case, decrypted at the first use. A function, so that no log or view shows them. */
  readonly values: () => Readonly<Record<string, string>>;
  readonly status: 'active' | 'needs_update';
  readonly status_reason: string | undefined;
  /** Counts its changes up: what was opened with another version is not used any more. */
  readonly version: number;
  readonly created_at: number;
  readonly updated_at: number;
}

/** Which credentials to list. */
export type CredentialFilter =
  | { readonly client_id: string }
  | { readonly mode: IdentityMode; readonly identity: string }
  | { readonly id: string };

/** The credentials of callers, and the forms on which they are entered. */
export interface HeaderCredentialStore {
  readonly flows: HeaderFlowStore;
  /** The same store inside a transaction. */
  with(tx: Executor): HeaderCredentialStore;
  /** Oldest first. */
  list(filter?: CredentialFilter): Promise<HeaderCredential[]>;
  /** Inserts, or replaces the values of the same holder; gives the id. */
  save(entered: SavedCredential): Promise<string>;
  /** Asks the holder for new values; nothing if it changed since. True when it was so. */
  demandUpdate(id: string, version: number, reason: string): Promise<boolean>;
  /** Asks all holders of a server for new values; with `forget` what is stored is thrown away. */
  demandUpdateOfClient(client_id: string, reason: string, options?: { readonly forget: boolean }): Promise<void>;
  /** Removes it with the forms of the same holder, so that a late entry cannot bring it back. False when there is none. */
  remove(id: string): Promise<boolean>;
  /** When the record of a server last changed, which it cannot again before the transaction ends; undefined: it is gone. */
  lockClient(client_id: string, dialect: Pick<DatabaseDialect, 'type'>): Promise<number | undefined>;
}

/** What is entered on a form. */
export interface SavedCredential extends Holder {
  /** Taken if the holder has none yet. */
  readonly id: string;
  readonly client_id: string;
  readonly values: Readonly<Record<string, string>>;
}

/** Rows of header_credentials in, entities out; the values are encrypted on the way. */
export function createHeaderCredentialStore(db: Executor, encryption: Encryption): HeaderCredentialStore {
  const flows = createHeaderFlowStore(db);

  const seal = (id: string, values: Readonly<Record<string, string>>): string =>
    encryption.encrypt(JSON.stringify(values), `header_credentials:header_values:${id}`);

  function findOfHolder({ client_id, mode, identity, label }: Omit<SavedCredential, 'id' | 'values'>) {
    return db
      .selectFrom('header_credentials')
      .select(['id', 'version'])
      .where('client_id', '=', client_id)
      .where('mode', '=', mode)
      .where('identity', '=', identity)
      .where('label', '=', label)
      .executeTakeFirst();
  }

  return {
    flows,
    with: (tx) => createHeaderCredentialStore(tx, encryption),

    async list(filter = {} as CredentialFilter) {
      let query = db.selectFrom('header_credentials').selectAll().orderBy('created_at').orderBy('id');
      for (const [column, value] of Object.entries(filter) as [keyof HeaderCredentialTable, string][])
        query = query.where(column, '=', value);
      return (await query.execute()).map((row) => fromRow(row, encryption));
    },

    async save({ values, ...holder }) {
      const now = Date.now();
      const stored = await findOfHolder(holder);
      const id = stored?.id ?? holder.id;
      const fields = { header_values: seal(id, values), status: 'active', status_reason: null, updated_at: now };
      if (stored === undefined) {
        const row: Insertable<HeaderCredentialTable> = { ...holder, ...fields, id, version: 1, created_at: now };
        await db.insertInto('header_credentials').values(row).execute();
      } else {
        const version = stored.version + 1;
        const { identity_name } = holder;
        const query = db.updateTable('header_credentials').set({ ...fields, version, identity_name });
        await query.where('id', '=', id).execute();
      }
      return id;
    },

    async demandUpdate(id, version, reason) {
      const result = await db
        .updateTable('header_credentials')
        .set({ status: 'needs_update', status_reason: reason, version: version + 1, updated_at: Date.now() })
        .where('id', '=', id)
        .where('version', '=', version)
        .executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },

    async demandUpdateOfClient(client_id, reason, { forget } = { forget: false }) {
      const rows = await db
        .selectFrom('header_credentials')
        .select(['id', 'status', 'version'])
        .where('client_id', '=', client_id)
        .execute();
      for (const { id, version } of rows.filter(({ status }) => forget || status === 'active')) {
        await db
          .updateTable('header_credentials')
          .set({
            status: 'needs_update',
            status_reason: reason,
            version: version + 1,
            updated_at: Date.now(),
            ...(forget && { header_values: seal(id, {}) }),
          })
          .where('id', '=', id)
          .execute();
      }
    },

    async remove(id) {
      const query = db.selectFrom('header_credentials').selectAll().where('id', '=', id);
      const found = await query.executeTakeFirst();
      if (found === undefined) return false;
      await flows.removeOfHolder(found.client_id, { ...found, mode: found.mode as IdentityMode });
      const result = await db.deleteFrom('header_credentials').where('id', '=', id).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },

    async lockClient(client_id, { type }) {
      const query = db.selectFrom('mcp_clients').select('updated_at').where('client_id', '=', client_id);
      return (await (type === 'postgres' ? query.forUpdate() : query).executeTakeFirst())?.updated_at;
    },
  };
}

function fromRow(row: Selectable<HeaderCredentialTable>, encryption: Encryption): HeaderCredential {
  const { header_values: text, ...rest } = row;
  let values: Readonly<Record<string, string>> | undefined;
  return Object.freeze({
    ...rest,
    mode: row.mode as IdentityMode,
    status: row.status as HeaderCredential['status'],
    status_reason: row.status_reason ?? undefined,
    values: () =>
      (values ??= Object.freeze(
        JSON.parse(encryption.decrypt(text, `header_credentials:header_values:${row.id}`)) as Record<string, string>,
      )),
  });
}
