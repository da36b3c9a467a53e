import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { Encryption } from '../lib/encryption.ts';
import type { Executor } from './schema.ts';

/** A result that was too large for a model. */
export interface KeptResult {
  readonly id: string;
  /** Whose it is. Nobody else gets it. */
  readonly principal: string;
  /** The public name of the tool that gave it. */
  readonly tool: string;
  /** All that it says. */
  readonly text: string;
  /** The whole result as JSON text, where there is more in it than the text. */
  readonly whole: string | undefined;
  /** Epoch milliseconds. */
  readonly created_at: number;
  readonly expires_at: number;
}

/** Large results, for as long as somebody may read on in them. */
export interface KeptResultStore {
  /** Keeps it, and forgets the oldest of the same principal when there are too many or too much of them. */
  insert(result: KeptResult): Promise<void>;
  find(id: string, principal: string, now: number): Promise<KeptResult | undefined>;
  /** Forgets what nobody gets any more. */
  sweep(now: number): Promise<void>;
}

/** What one principal may fill, in characters as they are stored, and in rows: nobody fills the disk. */
const MAX_SIZE = 128 * 1024 * 1024;
const MAX_ROWS = 500;

const pack = promisify(gzip);
const unpack = promisify(gunzip);

/** Rows of kept_results in, entities out: packed, as most results repeat themselves, and encrypted. */
export function createKeptResultStore(db: Executor, encryption: Encryption): KeptResultStore {
  async function trim(principal: string): Promise<void> {
    const rows = await db
      .selectFrom('kept_results')
      .select(['id', 'size'])
      .where('principal', '=', principal)
      .orderBy('created_at', 'desc')
      .orderBy('id')
      .execute();
    let size = 0;
    const over = rows.filter((row, index) => (size += row.size) > MAX_SIZE || index >= MAX_ROWS).map(({ id }) => id);
    if (over.length > 0) await db.deleteFrom('kept_results').where('id', 'in', over).execute();
  }

  return {
    async insert({ text, whole, ...row }) {
      // In a thread of its own: what is large enough to be kept is too large to hold up others.
      const packed = await pack(JSON.stringify({ text, whole }), { level: 1 });
      const content = encryption.encrypt(packed.toString('base64'), placeOf(row.id));
      await db
        .insertInto('kept_results')
        .values({ ...row, content, size: content.length })
        .execute();
      await trim(row.principal);
    },

    async find(id, principal, now) {
      const found = await db
        .selectFrom('kept_results')
        .selectAll()
        .where('id', '=', id)
        .where('principal', '=', principal)
        .where('expires_at', '>', now)
        .executeTakeFirst();
      if (found === undefined) return undefined;
      const { content, size: _, ...row } = found;
      const packed = Buffer.from(encryption.decrypt(content, placeOf(id)), 'base64');
      const kept = JSON.parse((await unpack(packed)).toString()) as { text: string; whole?: string };
      return { ...row, text: kept.text, whole: kept.whole };
    },

    async sweep(now) {
      await db.deleteFrom('kept_results').where('expires_at', '<=', now).execute();
    },
  };
}

function placeOf(id: string): `kept_results:content:${string}` {
  return `kept_results:content:${id}`;
}
