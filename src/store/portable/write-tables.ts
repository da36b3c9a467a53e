import { countRows, isHead, type Counts, type Entry, type Open, type TableHead, type Value } from './entries.ts';

/** Writes entries into tables that are there and empty. */
export interface TableWriter {
  take(entry: Entry): Promise<void>;
  /** Writes what is left; gives how many rows were taken. */
  end(): Promise<Counts>;
}

/** Values of one statement: SQLite takes 32,766. */
const MAX_VALUES = 30_000;
const MAX_ROWS = 500;
/** Characters of one statement. */
const MAX_LENGTH = 4_000_000;

/** Creates a writer within a transaction. */
export function createTableWriter({ tx, dialect }: Open): TableWriter {
  const counts: Record<string, number> = {};
  let head: TableHead | undefined;
  let rows: (readonly Value[])[] = [];
  let length = 0;

  async function flush(): Promise<void> {
    if (head === undefined || rows.length === 0) return;
    const { table, columns } = head;
    const values = rows.map((row) => Object.fromEntries(columns.map((column, index) => [column, row[index]])));
    await tx.insertInto(table).values(values).execute();
    counts[table] = (counts[table] ?? 0) + rows.length;
    rows = [];
    length = 0;
  }

  async function finish(): Promise<void> {
    await flush();
    if (head?.numbered !== undefined) {
      const { column, last } = head.numbered;
      await dialect.carry.setLastNumber(tx, head.table, column, last);
    }
  }

  return {
    async take(entry) {
      if (isHead(entry)) {
        await finish();
        head = entry;
        counts[entry.table] = 0;
        return;
      }
      rows.push(entry.map(dialect.carry.storable));
      for (const value of entry) length += typeof value === 'string' ? value.length : 0;
      const isFull = rows.length >= MAX_ROWS || rows.length * entry.length >= MAX_VALUES || length >= MAX_LENGTH;
      if (isFull) await flush();
    },
    async end() {
      await finish();
      return counts;
    },
  };
}

/** The first table of which there are not as many rows as were written; undefined: all are there. */
export async function findMissing({ tx }: Open, written: Counts): Promise<string | undefined> {
  const found = await countRows(tx, Object.keys(written));
  return Object.keys(written).find((table) => found[table] !== written[table]);
}
