import { CompiledQuery, type QueryResult } from 'kysely';
import type { DatabaseDialect } from '../dialect.ts';
import type { Value } from './column-values.ts';
import type { LedgerExecutor } from './tables.ts';

/** A database or transaction, and the words it understands. */
export interface Sql extends Pick<DatabaseDialect, 'type' | 'isShared'> {
  readonly db: LedgerExecutor;
}

interface Statement {
  readonly before: string;
  /** One row, such as `(?, ?)`. */
  readonly row: string;
  readonly after?: string;
  /** The values of all rows, one after the other. */
  readonly values: readonly Value[];
}

// Few sizes, so that each text is prepared once. The largest stays below the parameters that either database takes.
const SIZES = [128, 16, 1] as const;

/** Runs `before (?, ?), (?, ?) … after` as often as the values need it; gives all rows that came back. */
export async function runValues<T>(sql: Sql, statement: Statement): Promise<T[]> {
  const found: T[] = [];
  await run<T>(sql, statement, ({ rows }) => {
    for (const one of rows) found.push(one);
  });
  return found;
}

/** The same for what gives no rows back; says how many rows were changed. */
export async function changeValues(sql: Sql, statement: Statement): Promise<number> {
  let count = 0;
  await run(sql, statement, ({ numAffectedRows = 0n }) => (count += Number(numAffectedRows)));
  return count;
}

async function run<T>(
  { db, type }: Sql,
  { before, row, after = '', values }: Statement,
  take: (result: QueryResult<T>) => void,
): Promise<void> {
  const width = row.split('?').length - 1;
  let from = 0;
  for (const size of SIZES) {
    const step = size * width;
    const text = from + step > values.length ? '' : `${before} ${marks(row, size, type)} ${after}`;
    for (; from + step <= values.length; from += step) {
      take(await db.executeQuery<T>(CompiledQuery.raw(text, values.slice(from, from + step))));
    }
  }
}

/**
 * How an insert into a transaction begins. By itself SQLite takes a copy of each page that a statement of several rows changes,
 * so that it could undo the statement alone; that doubles what it costs, and here nothing goes on after an error.
 */
export function insertInto(type: DatabaseDialect['type']): string {
  return type === 'sqlite' ? 'insert or rollback into' : 'insert into';
}

function marks(row: string, size: number, type: DatabaseDialect['type']): string {
  let count = 0;
  const text = Array.from({ length: size }, () => row).join(', ');
  return type === 'sqlite' ? text : text.replaceAll('?', () => `$${(count += 1)}`);
}

/** The clock of the database, which all processes share: epoch milliseconds. */
export function clock(type: DatabaseDialect['type']): string {
  return type === 'sqlite'
    ? "cast(unixepoch('subsec') * 1000 as integer)"
    : 'cast(extract(epoch from clock_timestamp()) * 1000 as bigint)';
}

/** PostgreSQL refuses a zero character in a text, and with it the whole batch. */
export function withoutNul(value: Value): Value {
  return typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value;
}
