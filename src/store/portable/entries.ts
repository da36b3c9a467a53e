import type { Kysely, Transaction } from 'kysely';
import type { DatabaseDialect } from '../dialect.ts';

/** What any column can hold, on either database. */
export type Value = string | number | null;

/** Says that rows of this table follow. */
export interface TableHead {
  readonly table: string;
  readonly columns: readonly string[];
  /** The last number that was given out, so that none is given twice, not even that of a row that is gone. */
  readonly numbered?: { readonly column: string; readonly last: number };
}

/** A database as a list: each table, then its rows, as lists of values in the order of its columns. */
export type Entry = TableHead | readonly Value[];

/** How many rows there are, by table. */
export type Counts = Readonly<Record<string, number>>;

/** Tables whose names are only known as the program runs. */
export type AnyTables = Record<string, Record<string, unknown>>;

/** A transaction, and which kind of database it is on. */
export interface Open {
  readonly tx: Transaction<AnyTables>;
  readonly dialect: DatabaseDialect;
}

/** True for the beginning of a table. */
export function isHead(entry: Entry): entry is TableHead {
  return !Array.isArray(entry);
}

/** Counts the rows of those of the tables that are there. */
export async function countRows(db: Kysely<AnyTables>, names: readonly string[]): Promise<Counts> {
  const present = new Set((await db.introspection.getTables()).map(({ name }) => name));
  const counts: Record<string, number> = {};
  for (const name of names) {
    if (!present.has(name)) continue;
    const row = await db.selectFrom(name).select(db.fn.countAll<number>().as('count')).executeTakeFirstOrThrow();
    counts[name] = row.count;
  }
  return counts;
}
