import type { Value } from './column-values.ts';
import { changeValues, insertInto, runValues, type Sql } from './run-values.ts';

/** Rows of a table that numbers them by `seq` and has their own names in `id`, which comes first among the columns. */
interface NewRows {
  readonly table: 'mcp_logs' | 'logs';
  readonly columns: readonly string[];
  /** The values of all rows, one after the other. */
  readonly values: readonly Value[];
}

interface Numbered {
  readonly seq: number;
  readonly id: string;
}

/** Inserts rows; gives the number of each, undefined for an id that was there already or stands earlier among them. */
export async function insertRows(sql: Sql, rows: NewRows): Promise<(number | undefined)[]> {
  const { table, columns, values } = rows;
  const statement = {
    before: `${insertInto(sql.type)} ${table} (${columns.join(', ')}) values`,
    row: `(${columns.map(() => '?').join(', ')})`,
    after: 'on conflict (id) do nothing',
    values,
  };
  if (sql.type === 'postgres') {
    const after = `${statement.after} returning seq, id`;
    return numberById(rows, await runValues<Numbered>(sql, { ...statement, after }));
  }
  // Nobody else writes during a transaction of SQLite: rows that all came in have consecutive numbers. To have each number
  // returned takes half as long again.
  const last = await lastSeq(sql, table);
  const count = values.length / columns.length;
  if ((await changeValues(sql, statement)) === count)
    return Array.from({ length: count }, (_, index) => last + 1 + index);
  const found = sql.db.selectFrom(table).select(['seq', 'id']).where('seq', '>', last);
  return numberById(rows, await found.execute());
}

/** The number that was given last, also when its row is gone. */
async function lastSeq(sql: Sql, table: NewRows['table']): Promise<number> {
  const [row] = await runValues<{ seq: number }>(sql, {
    before: 'select seq from sqlite_sequence where name =',
    row: '?',
    values: [table],
  });
  return row?.seq ?? 0;
}

function numberById({ columns, values }: NewRows, inserted: readonly Numbered[]): (number | undefined)[] {
  const seqs = new Map(inserted.map(({ seq, id }) => [id, seq]));
  return Array.from({ length: values.length / columns.length }, (_, index) => {
    const id = String(values[index * columns.length]);
    const seq = seqs.get(id);
    seqs.delete(id);
    return seq;
  });
}
