import type { TableMetadata } from 'kysely';
import type { Entry, Open, TableHead, Value } from './entries.ts';

/** Reads those of the tables that are there, in this order. */
export async function* readTables({ tx, dialect }: Open, names: readonly string[]): AsyncGenerator<Entry> {
  const tables = new Map((await tx.introspection.getTables()).map((table) => [table.name, table]));
  for (const name of names) {
    const table = tables.get(name);
    if (table === undefined) continue;
    const head = await readHead({ tx, dialect }, table);
    yield head;
    for await (const rows of dialect.carry.readRows(tx, name, head.columns)) {
      for (const row of rows) yield head.columns.map((column) => row[column] as Value); // columns hold nothing else
    }
  }
}

async function readHead({ tx, dialect }: Open, { name, columns }: TableMetadata): Promise<TableHead> {
  const numbered = columns.find(({ isAutoIncrementing }) => isAutoIncrementing)?.name;
  const last = numbered && (await dialect.carry.lastNumber(tx, name, numbered));
  return {
    table: name,
    columns: columns.map((column) => column.name),
    ...(numbered !== undefined && last !== undefined && { numbered: { column: numbered, last: Number(last) } }),
  };
}
