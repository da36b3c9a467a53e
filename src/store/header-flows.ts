import type { Selectable } from 'kysely';
import type { Holder, IdentityMode } from './holder.ts';
import type { Executor } from './schema.ts';
import type { HeaderFlowTable } from './tables/credentials.ts';

/** What a link leads to, a form or a sign-in: for one holder, for a quarter of an hour, once. */
export interface HeaderFlow extends Holder {
  /** Random; it stands in the address of the form. */
  readonly id: string;
  readonly client_id: string;
  readonly auth_kind: 'oauth' | 'headers';
  readonly status: 'pending' | 'authorized' | 'expired';
  readonly created_at: number;
  readonly expires_at: number;
}

/** The forms that wait to be filled in, and for a day those that do not any more. */
export interface HeaderFlowStore {
  insert(flow: HeaderFlow): Promise<void>;
  find(id: string): Promise<HeaderFlow | undefined>;
  /** Those that still wait, newest first. */
  listPending(
    now: number,
    of?: { readonly client_id: string } & Pick<Holder, 'mode' | 'identity'>,
  ): Promise<HeaderFlow[]>;
  /** Takes a form for its one use; false when it was used, is gone or too old. */
  claim(id: string, now: number): Promise<boolean>;
  /** The same for what waits for this holder, which a sign-in that began in time may end late. */
  claimOfHolder(client_id: string, holder: Pick<Holder, 'mode' | 'identity' | 'label'>): Promise<boolean>;
  remove(id: string): Promise<boolean>;
  removeOfHolder(client_id: string, holder: Pick<Holder, 'mode' | 'identity' | 'label'>): Promise<void>;
  /** Forgets forms that ended before then. */
  sweep(before: number): Promise<void>;
}

/** Rows of header_flows in, entities out. */
export function createHeaderFlowStore(db: Executor): HeaderFlowStore {
  return {
    async insert(flow) {
      await db.insertInto('header_flows').values(flow).execute();
    },

    async find(id) {
      const row = await db.selectFrom('header_flows').selectAll().where('id', '=', id).executeTakeFirst();
      return row && fromRow(row, Date.now());
    },

    async listPending(now, of) {
      let query = db
        .selectFrom('header_flows')
        .selectAll()
        .where('status', '=', 'pending')
        .where('expires_at', '>', now);
      if (of !== undefined) {
        query = query
          .where('client_id', '=', of.client_id)
          .where('mode', '=', of.mode)
          .where('identity', '=', of.identity);
      }
      const rows = await query.orderBy('created_at', 'desc').orderBy('id').execute();
      return rows.map((row) => fromRow(row, now));
    },

    async claim(id, now) {
      const result = await db
        .updateTable('header_flows')
        .set({ status: 'authorized' })
        .where('id', '=', id)
        .where('status', '=', 'pending')
        .where('expires_at', '>', now)
        .executeTakeFirst();
      return result.numUpdatedRows === 1n;
    },

    async claimOfHolder(client_id, { mode, identity, label }) {
      const result = await db
        .updateTable('header_flows')
        .set({ status: 'authorized' })
        .where('client_id', '=', client_id)
        .where('mode', '=', mode)
        .where('identity', '=', identity)
        .where('label', '=', label)
        .where('auth_kind', '=', 'oauth')
        .where('status', '=', 'pending')
        .executeTakeFirst();
      return result.numUpdatedRows > 0n;
    },

    async remove(id) {
      const result = await db.deleteFrom('header_flows').where('id', '=', id).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },

    async removeOfHolder(client_id, { mode, identity, label }) {
      await db
        .deleteFrom('header_flows')
        .where('client_id', '=', client_id)
        .where('mode', '=', mode)
        .where('identity', '=', identity)
        // The page lets its user choose another label, so a form under any label could bring back this one.
        .where((or) => or.or([or('label', '=', label), or('status', '=', 'pending')]))
        .execute();
    },

    async sweep(before) {
      await db.deleteFrom('header_flows').where('expires_at', '<', before).execute();
    },
  };
}

function fromRow(row: Selectable<HeaderFlowTable>, now: number): HeaderFlow {
  const isOver = row.status === 'pending' && row.expires_at <= now;
  const status = isOver ? 'expired' : (row.status as HeaderFlow['status']);
  const auth_kind = row.auth_kind as HeaderFlow['auth_kind'];
  return Object.freeze({ ...row, auth_kind, mode: row.mode as IdentityMode, status });
}
