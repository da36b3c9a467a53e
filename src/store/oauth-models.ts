import { hash } from 'node:crypto';
import { sql } from 'kysely';
import type { Encryption, Place } from '../lib/encryption.ts';
import type { Executor } from './schema.ts';

/** What is kept of a model: JSON of whoever stores it. */
export type ModelPayload = Readonly<Record<string, unknown>>;

/** One thing to keep. */
export interface NewModel {
  readonly kind: string;
  readonly id: string;
  readonly payload: ModelPayload;
  /** Epoch milliseconds. */
  readonly expiresAt: number;
  readonly grantId?: string | undefined;
  readonly uid?: string | undefined;
}

/** A model that was found, and when it was used up. */
export interface FoundModel {
  readonly payload: ModelPayload;
  readonly consumedAt: number | undefined;
}

/** What the authorization server must find again, on every node: nothing in it tells an id or a content to who reads the table. */
export interface OAuthModelStore {
  with(tx: Executor): OAuthModelStore;
  /** Writes it anew; a model that was used up stays so. */
  save(model: NewModel): Promise<void>;
  find(kind: string, id: string): Promise<FoundModel | undefined>;
  findByUid(kind: string, uid: string): Promise<FoundModel | undefined>;
  /** False when it was used up before: of several at once, only one gets true. */
  consume(kind: string, id: string): Promise<boolean>;
  /** Gives a model more time, never less; false when it is gone. */
  prolong(kind: string, id: string, expiresAt: number): Promise<boolean>;
  remove(kind: string, id: string): Promise<void>;
  /** Removes all that belongs to a grant, of one kind or of all, and with all the grant itself. */
  removeByGrant(grantHash: string, kind?: string): Promise<void>;
  /** Removes what has expired. */
  purge(now: number): Promise<void>;
}

/** How ids are stored and looked up. They are random, so a slow hash would add nothing. */
export function hashModelId(id: string): string {
  return hash('sha256', id);
}

/** Opens the table of models. */
export function createOAuthModelStore(db: Executor, encryption: Encryption): OAuthModelStore {
  const placeOf = (kind: string, idHash: string): Place => `oauth_models:payload:${kind}.${idHash}`;
  const select = (kind: string) =>
    db
      .selectFrom('oauth_models')
      .select(['id_hash', 'payload', 'consumed_at'])
      .where('kind', '=', kind)
      .where('expires_at', '>', Date.now());
  type Row = { id_hash: string; payload: string; consumed_at: number | null };
  const open = (kind: string, row: Row | undefined): FoundModel | undefined =>
    row && {
      payload: JSON.parse(encryption.decrypt(row.payload, placeOf(kind, row.id_hash))) as ModelPayload,
      consumedAt: row.consumed_at ?? undefined,
    };

  return {
    with: (tx) => createOAuthModelStore(tx, encryption),

    async save({ kind, id, payload, expiresAt, grantId, uid }) {
      const id_hash = hashModelId(id);
      const row = {
        grant_hash: grantId === undefined ? null : hashModelId(grantId),
        uid_hash: uid === undefined ? null : hashModelId(uid),
        payload: encryption.encrypt(JSON.stringify(payload), placeOf(kind, id_hash)),
        expires_at: expiresAt,
      };
      await db
        .insertInto('oauth_models')
        .values({ kind, id_hash, ...row, consumed_at: null })
        .onConflict((conflict) => conflict.columns(['kind', 'id_hash']).doUpdateSet(row))
        .execute();
    },

    find: async (kind, id) => open(kind, await select(kind).where('id_hash', '=', hashModelId(id)).executeTakeFirst()),
    findByUid: async (kind, uid) =>
      open(kind, await select(kind).where('uid_hash', '=', hashModelId(uid)).executeTakeFirst()),

    async consume(kind, id) {
      const { numUpdatedRows } = await db
        .updateTable('oauth_models')
        .set({ consumed_at: Date.now() })
        .where('kind', '=', kind)
        .where('id_hash', '=', hashModelId(id))
        .where('consumed_at', 'is', null)
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    },

    async prolong(kind, id, expiresAt) {
      const later = sql<number>`case when expires_at < ${expiresAt} then ${expiresAt} else expires_at end`;
      const { numUpdatedRows } = await db
        .updateTable('oauth_models')
        .set({ expires_at: later })
        .where('kind', '=', kind)
        .where('id_hash', '=', hashModelId(id))
        .executeTakeFirst();
      return numUpdatedRows > 0n;
    },

    async remove(kind, id) {
      await db.deleteFrom('oauth_models').where('kind', '=', kind).where('id_hash', '=', hashModelId(id)).execute();
    },

    async removeByGrant(grantHash, kind) {
      await db
        .deleteFrom('oauth_models')
        .where('grant_hash', '=', grantHash)
        .$if(kind !== undefined, (query) => query.where('kind', '=', kind ?? ''))
        .execute();
      if (kind !== undefined) return;
      await db.deleteFrom('oauth_models').where('kind', '=', 'Grant').where('id_hash', '=', grantHash).execute();
    },

    async purge(now) {
      await db.deleteFrom('oauth_models').where('expires_at', '<=', now).execute();
    },
  };
}
