import { createHash } from 'node:crypto';
import type { Encryption } from '../lib/encryption.ts';
import type { Executor } from './schema.ts';

/** A session of code, whose it is, and until when its artifacts are kept. */
export interface ArtifactOwner {
  readonly session: string;
  readonly principal: string;
  readonly expires_at: number;
}

/** What runs of code keep for the next run of their session: one text for each session. */
export interface CodeArtifactStore {
  with(tx: Executor): CodeArtifactStore;
  /** Whether there is something that {@link find} would find; it is not read for that. */
  has(session: string, now: number): Promise<boolean>;
  find(session: string, now: number): Promise<string | undefined>;
  /** {@link find} in a transaction: until it ends, other runs of the session wait. */
  take(owner: ArtifactOwner, now: number): Promise<string | undefined>;
  /** Puts a text in the place of what {@link take} gave; undefined removes it. */
  put(session: string, text: string | undefined): Promise<void>;
  /** Forgets those of a principal that nobody used for longest, when there are too many or too much of them. */
  trim(principal: string): Promise<void>;
  /** Forgets what nobody gets any more. */
  sweep(now: number): Promise<void>;
}

/** What one principal may fill, in characters as they are stored, and in rows: nobody fills the disk. */
const MAX_SIZE = 64 * 1024 * 1024;
const MAX_ROWS = 500;

/** Rows of code_artifacts in, texts out, encrypted on the way. The name of a session opens it, so only a digest is stored. */
export function createCodeArtifactStore(db: Executor, encryption: Encryption): CodeArtifactStore {
  const read = (content: string, id: string): string | undefined =>
    content === '' ? undefined : encryption.decrypt(content, placeOf(id));

  return {
    with: (tx) => createCodeArtifactStore(tx, encryption),

    async has(session, now) {
      const query = db.selectFrom('code_artifacts').select('id').where('id', '=', digest(session));
      return (await query.where('expires_at', '>', now).executeTakeFirst()) !== undefined;
    },

    async find(session, now) {
      const id = digest(session);
      const query = db.selectFrom('code_artifacts').select('content').where('id', '=', id);
      const row = await query.where('expires_at', '>', now).executeTakeFirst();
      return row && read(row.content, id);
    },

    async take({ session, principal, expires_at }, now) {
      const id = digest(session);
      await db.deleteFrom('code_artifacts').where('id', '=', id).where('expires_at', '<=', now).execute();
      // Written even when it is there: whoever has written a row has it for itself until its transaction ends.
      const { content } = await db
        .insertInto('code_artifacts')
        .values({ id, principal, content: '', size: 0, expires_at })
        .onConflict((conflict) => conflict.column('id').doUpdateSet({ expires_at }))
        .returning('content')
        .executeTakeFirstOrThrow();
      return read(content, id);
    },

    async put(session, text) {
      const id = digest(session);
      if (text === undefined) return void (await db.deleteFrom('code_artifacts').where('id', '=', id).execute());
      const content = encryption.encrypt(text, placeOf(id));
      await db.updateTable('code_artifacts').set({ content, size: content.length }).where('id', '=', id).execute();
    },

    async trim(principal) {
      const rows = await db
        .selectFrom('code_artifacts')
        .select(['id', 'size'])
        .where('principal', '=', principal)
        .orderBy('expires_at', 'desc')
        .orderBy('id')
        .execute();
      let size = 0;
      const over = rows.filter((row, index) => (size += row.size) > MAX_SIZE || index >= MAX_ROWS).map(({ id }) => id);
      if (over.length > 0) await db.deleteFrom('code_artifacts').where('id', 'in', over).execute();
    },

    async sweep(now) {
      await db.deleteFrom('code_artifacts').where('expires_at', '<=', now).execute();
    },
  };
}

function digest(session: string): string {
  return createHash('sha256').update(session).digest('base64url');
}

function placeOf(id: string): `code_artifacts:content:${string}` {
  return `code_artifacts:content:${id}`;
}
