import { sql, type Kysely } from 'kysely';
import { isEncrypted, type Encryption, type Place } from '../lib/encryption.ts';
import { GatewayError } from '../lib/errors.ts';
import type { Database } from './database.ts';
import { ENCRYPTED_COLUMNS, type EncryptedColumn, type Visit } from './encrypted-columns.ts';
import { SEAL, type OpenedEncryption, type Seal } from './encryption-key.ts';
import type { Executor } from './schema.ts';

interface Rotation {
  readonly database: Database;
  readonly from: OpenedEncryption;
  readonly to: Encryption;
  readonly seal: Seal;
  /** What belongs to the change, in the same transaction and at its end: its audit entry. */
  readonly record: (tx: Executor) => Promise<void>;
}

type Row = Record<string, string>;
/** The tables as the list of columns names them. */
type AnyTables = Kysely<Record<string, Record<string, unknown>>>;

/** Tables whose texts come from outside, and never from the encryption. Logs may be many, too. */
const FOREIGN = new Set([
  'audit_logs',
  'mcp_logs',
  'mcp_log_contents',
  'mcp_log_rollups',
  'counters',
  'ledger_nodes',
  'kysely_migration',
  'kysely_migration_lock',
]);
/** What servers say of themselves. */
const FOREIGN_COLUMNS = new Set(['mcp_clients.known']);

/**
 * Encrypts everything anew, in one transaction: all or nothing. Every value is read with the former key before anything is
 * written, and with the new one before it is committed. Gives how many values there were.
 */
export function reencrypt({ database, from, to, seal, record }: Rotation): Promise<number> {
  return database.transaction(async (tx) => {
    await lockSeal(tx, from.seal);
    const before = await visitAll(tx, reader(from));
    await refuseUnvisited(tx, before);
    await visitAll(tx, (text, place) => to.encrypt(from.decrypt(text, place), place), { isWriting: true });
    const after = await visitAll(tx, reader(to));
    const isSame = JSON.stringify(after) === JSON.stringify(before);
    if (!isSame)
      throw new GatewayError('internal_error', 'what was read back is not what was written; nothing was changed');
    await tx
      .updateTable('settings')
      .set({ value: JSON.stringify(seal) })
      .where('key', '=', SEAL)
      .execute();
    await record(tx);
    return after.length;
  });
}

/** Nobody else may change the key now; nobody else may have done it before. Writers that hold the seal are waited for. */
async function lockSeal(tx: Executor, seal: Seal): Promise<void> {
  const row = await tx
    .updateTable('settings')
    .set((row) => ({ value: row.ref('value') }))
    .where('key', '=', SEAL)
    .returning('value')
    .executeTakeFirst();
  if (!isSameSeal(row?.value, seal)) throw keyChanged();
}

/** True when the stored seal is the one that the key was opened with. */
export function isSameSeal(stored: string | undefined, seal: Seal): boolean {
  return stored !== undefined && (JSON.parse(stored) as Seal).check === seal.check;
}

/** For a process that runs on with the former key. */
export function keyChanged(): GatewayError {
  const message =
    'the encryption key of the database was rotated while this gateway ran, so it can change nothing; restart it with the new key';
  return new GatewayError('encryption_key_changed', message);
}

type Change = (text: string, place: Place) => string;
type Visited = readonly (readonly [place: Place, result: string])[];

function reader(encryption: Encryption): Change {
  return (text, place) => encryption.decrypt(text, place);
}

/** Goes over all encrypted values; gives what `change` made of each. With `isWriting` that is stored in their place. */
async function visitAll(tx: Executor, change: Change, { isWriting = false } = {}): Promise<Visited> {
  const results: [Place, string][] = []; // not by place: a child may be given a variable twice
  const visit: Visit = (text, place) => {
    if (!isEncrypted(text)) return text;
    const result = change(text, place);
    results.push([place, result]);
    return isWriting ? result : text;
  };
  for (const listed of ENCRYPTED_COLUMNS) await visitColumn(tx, listed, visit);
  return results;
}

async function visitColumn(tx: Executor, { table, keys, column, map }: EncryptedColumn, visit: Visit): Promise<void> {
  const db = tx as unknown as AnyTables;
  const rows = (await db
    .selectFrom(table)
    .select([...keys, column])
    .where(column, 'is not', null)
    .execute()) as Row[];
  for (const row of rows) {
    const before = row[column] ?? '';
    const after = map(before, row, visit);
    if (after === before) continue;
    let update = db.updateTable(table).set({ [column]: after });
    for (const key of keys) update = update.where(key, '=', row[key]);
    await update.execute();
  }
}

/** A value that the list of columns does not lead to would be lost: nobody could read it any more. */
async function refuseUnvisited(tx: Executor, visited: Visited): Promise<void> {
  const counts = new Map([[SEAL_COLUMN, 1]]); // the check value of the seal, which is written anew
  for (const [place] of visited) {
    const column = columnOf(place);
    counts.set(column, (counts.get(column) ?? 0) + 1);
  }
  for (const { name: table, columns } of await tx.introspection.getTables()) {
    if (FOREIGN.has(table)) continue;
    for (const { name: column, dataType } of columns) {
      const place = `${table}.${column}`;
      if (!/text|char/i.test(dataType) || FOREIGN_COLUMNS.has(place)) continue;
      if ((await countEncrypted(tx, table, column)) <= (counts.get(place) ?? 0)) continue;
      const message = `${place} holds encrypted values that this version cannot encrypt anew; nothing was changed`;
      throw new GatewayError('internal_error', message);
    }
  }
}

const SEAL_COLUMN = 'settings.value';

/** `table.column` of a place; in the settings all values are in one column. */
function columnOf(place: Place): string {
  const [table = '', column = ''] = place.split(':');
  return table === 'settings' ? SEAL_COLUMN : `${table}.${column.split('.')[0]}`;
}

async function countEncrypted(tx: Executor, table: string, column: string): Promise<number> {
  const { rows } = await sql<{ text: string }>`
    select ${sql.ref(column)} as text from ${sql.table(table)} where ${sql.ref(column)} like '%v1:%'`.execute(tx);
  return rows.flatMap(({ text }) => text.split('"')).filter(isEncrypted).length;
}
