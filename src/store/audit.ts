import { sql } from 'kysely';
import type { AuditAction, AuditEntity, AuditLog, AuditRequest, AuditVerdict } from '../contract/audit.ts';
import { createAuditChain, HEAD, lockHead, verifyChain, type AuditChain, type AuditRow } from './audit-chain.ts';
import type { Executor } from './schema.ts';

/** One management write, about to be recorded. Made by `describeChange` in governance/audit.ts. */
export interface NewAuditEntry {
  readonly actor: string;
  readonly actor_name: string;
  readonly action: AuditAction;
  readonly entity: AuditEntity;
  readonly entity_id: string;
  readonly entity_name: string;
  /** JSON text, secrets masked. */
  readonly before: string | null;
  readonly after: string | null;
  readonly request: AuditRequest | undefined;
}

/** What to look for: OR inside one list, AND between them. Times are epoch milliseconds. */
export interface AuditFilter {
  readonly actor?: readonly string[] | undefined;
  readonly action?: readonly string[] | undefined;
  readonly entity?: readonly string[] | undefined;
  readonly entity_id?: readonly string[] | undefined;
  readonly start_time?: number | undefined;
  readonly end_time?: number | undefined;
  /** Part of a name or id, in any case. */
  readonly search?: string | undefined;
}

/** What records, inside a transaction. */
export interface AuditAppender {
  /**
   * Adds an entry to the chain. Call it last in the transaction of the write it records: it holds up every other recorded
   * write until the commit, and who takes the head first and rows later could wait for each other for ever.
   */
  append(entry: NewAuditEntry): Promise<void>;
}

/** The audit trail. There is no way to append outside a transaction: a change and its record are stored together or not at all. */
export interface AuditStore {
  with(tx: Executor): AuditAppender;
  /** A page, newest first, and how many match in all. */
  list(
    filter: AuditFilter,
    page: { limit: number; offset: number },
  ): Promise<{ audit_logs: AuditLog[]; total_count: number }>;
  find(id: number): Promise<AuditLog | undefined>;
  /** The entries after this number, oldest first. */
  listAfter(id: number, limit: number): Promise<AuditLog[]>;
  /** True when an entry has this hash. */
  hasHash(hash: string): Promise<boolean>;
  /** Goes over the whole chain; `onProgress` hears how many entries hold so far. */
  verify(onProgress?: (entries: number) => void): Promise<AuditVerdict>;
}

/** Rows of audit_logs, each bound to the one before by a hash under `key`. */
export function createAuditStore(db: Executor, key: Buffer): AuditStore {
  const chain = createAuditChain(key);
  return {
    with: (tx) => ({ append: (entry) => append(tx, chain, entry) }),

    async list(filter, { limit, offset }) {
      const found = findRows(db, filter);
      const { count } = await found.select(db.fn.countAll<number>().as('count')).executeTakeFirstOrThrow();
      const rows = await found.selectAll().orderBy('id', 'desc').limit(limit).offset(offset).execute();
      return { audit_logs: rows.map(toView), total_count: count };
    },

    async find(id) {
      const row = await db.selectFrom('audit_logs').selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? undefined : toView(row);
    },

    async listAfter(id, limit) {
      const query = db.selectFrom('audit_logs').selectAll().where('id', '>', id).orderBy('id').limit(limit);
      return (await query.execute()).map(toView);
    },

    async hasHash(hash) {
      const row = await db.selectFrom('audit_logs').select('id').where('hash', '=', hash).executeTakeFirst();
      return row !== undefined;
    },

    verify: (onProgress = () => {}) => verifyChain(db, chain, onProgress),
  };
}

async function append(tx: Executor, chain: AuditChain, entry: NewAuditEntry): Promise<void> {
  const head = await lockHead(tx, chain);
  const row = {
    id: head.id + 1,
    at: Date.now(),
    actor: storable(entry.actor),
    actor_name: storable(entry.actor_name),
    action: entry.action,
    entity: entry.entity,
    entity_id: storable(entry.entity_id),
    entity_name: storable(entry.entity_name),
    before: entry.before,
    after: entry.after,
    request: entry.request === undefined ? null : JSON.stringify(entry.request),
    previous_hash: head.hash,
  };
  const hash = chain.hashOf(row);
  await tx
    .insertInto('audit_logs')
    .values({ ...row, hash })
    .execute();
  await tx
    .updateTable('settings')
    .set({ value: chain.writeHead({ id: row.id, hash }) })
    .where('key', '=', HEAD)
    .execute();
}

/** Text as both databases give it back: what is hashed must be what is read later. */
function storable(text: string): string {
  return text.toWellFormed().replaceAll('\0', '\uFFFD');
}

function findRows(db: Executor, filter: AuditFilter) {
  let query = db.selectFrom('audit_logs');
  for (const column of ['actor', 'action', 'entity', 'entity_id'] as const) {
    const words = filter[column];
    if (words !== undefined && words.length > 0) query = query.where(column, 'in', [...words]);
  }
  if (filter.start_time !== undefined) query = query.where('at', '>=', filter.start_time);
  if (filter.end_time !== undefined) query = query.where('at', '<=', filter.end_time);
  if (filter.search === undefined) return query;
  const pattern = `%${filter.search.toLowerCase().replace(/[!%_]/g, '!$&')}%`;
  const columns = ['actor', 'actor_name', 'entity_id', 'entity_name'] as const;
  return query.where((row) =>
    row.or(columns.map((column) => sql<boolean>`lower(${row.ref(column)}) like ${pattern} escape '!'`)),
  );
}

function toView(row: AuditRow): AuditLog {
  return {
    ...row,
    at: new Date(row.at).toISOString(),
    before: parse(row.before),
    after: parse(row.after),
    request: parse(row.request) as AuditRequest | null, // written by append
  };
}

/** A row that somebody altered must not keep the others from being read. */
function parse(text: string | null): unknown {
  if (text === null) return null;
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
