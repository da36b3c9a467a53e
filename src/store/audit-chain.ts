import { createHmac } from 'node:crypto';
import { sql, type Selectable } from 'kysely';
import type { AuditVerdict } from '../contract/audit.ts';
import { GatewayError } from '../lib/errors.ts';
import { isSameText } from '../lib/same-text.ts';
import type { AuditLogTable, Executor } from './schema.ts';

export type AuditRow = Selectable<AuditLogTable>;

/** The newest entry: its number, which is also how many there are, and its hash. */
export interface AuditHead {
  readonly id: number;
  readonly hash: string;
}

/** Makes the hashes that only this gateway can make. */
export interface AuditChain {
  hashOf(row: Omit<AuditRow, 'hash'>): string;
  /** Head as it is kept. Without it nobody would miss the newest entries. */
  writeHead(head: AuditHead): string;
  /** The kept head; undefined when it was not made with our key. */
  readHead(text: string): AuditHead | undefined;
}

/** The row of `settings` with the head. */
export const HEAD = 'audit.head';
/** Before the first entry. */
export const START: AuditHead = Object.freeze({ id: 0, hash: '' });
const BATCH = 500;

/** HMAC-SHA-256: whoever can write the database, but lacks the key, cannot make a chain that holds. */
export function createAuditChain(key: Buffer): AuditChain {
  // Each use names itself, so that no hash of the one kind can pass for the other.
  const sign = (use: 'entry' | 'head', fields: readonly unknown[]): string =>
    createHmac('sha256', key)
      .update(JSON.stringify([use, ...fields]))
      .digest('hex');
  return {
    hashOf: (row) =>
      sign('entry', [
        row.previous_hash,
        row.id,
        row.at,
        row.actor,
        row.actor_name,
        row.action,
        row.entity,
        row.entity_id,
        row.entity_name,
        row.before,
        row.after,
        row.request,
      ]),
    writeHead: ({ id, hash }) => JSON.stringify({ id, hash, mac: sign('head', [id, hash]) }),
    readHead(text) {
      try {
        const { id, hash, mac } = JSON.parse(text) as AuditHead & { mac: unknown };
        return typeof mac === 'string' && isSameText(mac, sign('head', [id, hash])) ? { id, hash } : undefined;
      } catch {
        return undefined; // not even JSON, or other fields: not ours
      }
    },
  };
}

/**
 * Takes the head for the rest of the transaction, so that of several processes one appends after the other. Setting the
 * row to itself locks it on PostgreSQL and gives what was committed last; SQLite has one writer anyway.
 */
export async function lockHead(tx: Executor, chain: AuditChain): Promise<AuditHead> {
  const lock = () =>
    tx
      .updateTable('settings')
      .set((row) => ({ value: row.ref('value') }))
      .where('key', '=', HEAD)
      .returning('value')
      .executeTakeFirst();
  let kept = await lock();
  if (kept === undefined) {
    await insertFirstHead(tx, chain);
    kept = await lock();
  }
  const head = chain.readHead(kept?.value ?? '');
  if (head === undefined) throw refuse();
  return head;
}

/** Two that are first at once: the second waits here for the first, and leaves its head alone. */
async function insertFirstHead(tx: Executor, chain: AuditChain): Promise<void> {
  const { numInsertedOrUpdatedRows } = await tx
    .insertInto('settings')
    .values({ key: HEAD, value: chain.writeHead(START) })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirstOrThrow();
  if (numInsertedOrUpdatedRows === 0n) return;
  if ((await tx.selectFrom('audit_logs').select('id').limit(1).executeTakeFirst()) !== undefined) throw refuse();
}

/** To go on would give an altered trail a head that is in order. */
function refuse(): GatewayError {
  const message = 'the audit trail was altered, so no change can be recorded or made; run "asbru audit verify"';
  return new GatewayError('audit_trail_altered', message);
}

/**
 * Goes over the whole chain, oldest first. Entries that are appended meanwhile are checked, too: an entry and its head are
 * committed together.
 */
export async function verifyChain(
  db: Executor,
  chain: AuditChain,
  onProgress: (entries: number) => void,
): Promise<AuditVerdict> {
  let last: AuditHead = START;
  const broken = (id: number, reason: string): AuditVerdict => {
    return { is_intact: false, entries: last.id, head: last.hash, first_broken_id: id, reason };
  };
  for (let isSecondLook = false; ;) {
    const batch = await loadBatch(db, last.id);
    for (const row of batch) {
      const fault = faultOf(row, last, chain);
      if (fault !== undefined) return broken(Math.min(row.id, last.id + 1), fault);
      last = { id: row.id, hash: row.hash };
    }
    onProgress(last.id);
    if (batch.length > 0) {
      isSecondLook = false;
      continue;
    }
    const fault = endFault(await findEnd(db, chain), last);
    if (fault === undefined) return { is_intact: true, entries: last.id, head: last.hash };
    // Entries may have come between the last batch and the reading of the head; then the next batch brings them.
    if (isSecondLook) return broken(last.id + 1, fault);
    isSecondLook = true;
  }
}

function loadBatch(db: Executor, after: number): Promise<AuditRow[]> {
  return db.selectFrom('audit_logs').selectAll().where('id', '>', after).orderBy('id').limit(BATCH).execute();
}

function faultOf(row: AuditRow, last: AuditHead, chain: AuditChain): string | undefined {
  if (row.id > last.id + 1) return `entry ${last.id + 1} is missing; the next one there is ${row.id}`;
  if (row.id !== last.id + 1) return `entry ${row.id} is there more than once`;
  if (row.previous_hash !== last.hash) return `entry ${row.id} does not follow the entry before it`;
  if (!isSameText(row.hash, chain.hashOf(row))) {
    return `entry ${row.id} was altered, or was not written by a gateway with this encryption key`;
  }
  return undefined;
}

interface End {
  readonly head: AuditHead | undefined;
  readonly isKept: boolean;
  readonly rows: number;
}

/** In one statement, and so at one moment. */
async function findEnd(db: Executor, chain: AuditChain): Promise<End> {
  const { rows, value } = await db
    .selectNoFrom((query) => [
      query
        .selectFrom('audit_logs')
        .select(sql<number>`count(*)`.as('rows'))
        .as('rows'),
      query.selectFrom('settings').select('value').where('key', '=', HEAD).as('value'),
    ])
    .executeTakeFirstOrThrow();
  return { head: value === null ? START : chain.readHead(value), isKept: value !== null, rows: rows ?? 0 };
}

function endFault({ head, isKept, rows }: End, last: AuditHead): string | undefined {
  if (head === undefined) return 'the record of the newest entry was altered';
  if (!isKept && last.id > 0) return 'the record of the newest entry was removed';
  if (head.id > last.id) {
    return head.id === last.id + 1
      ? `entry ${head.id}, the newest, is missing`
      : `entries ${last.id + 1} to ${head.id}, the newest, are missing`;
  }
  if (head.id < last.id || head.hash !== last.hash) return 'the newest entry is not the one that was recorded as such';
  // Rows with numbers that come before the first, or twice on the border of two batches.
  if (rows !== last.id) return `there are ${rows} rows where ${last.id} were written`;
  return undefined;
}
