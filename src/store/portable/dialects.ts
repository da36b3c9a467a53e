import { sql, type Kysely, type QueryExecutorProvider } from 'kysely';

type Row = Readonly<Record<string, unknown>>;
type AnyTables = Kysely<Record<string, Record<string, unknown>>>;

/** What differs between the databases when whole tables are carried from one to another. */
export interface CarryDialect {
  /** All rows of a table, in portions; inside a transaction. */
  readRows(tx: AnyTables, table: string, columns: readonly string[]): AsyncIterable<readonly Row[]>;
  /** The last number that a numbered column has given out; undefined for none. */
  lastNumber(tx: QueryExecutorProvider, table: string, column: string): Promise<number | undefined>;
  setLastNumber(tx: QueryExecutorProvider, table: string, column: string, last: number): Promise<void>;
  /** A value as the database can keep it. */
  storable<V>(value: V): V | string;
  /** True when no gateway has the database open. On SQLite none can open it either, until this connection is closed. */
  claim(db: QueryExecutorProvider): Promise<boolean>;
}

const PORTION = 500;

/** Carries tables from and to SQLite. */
export function createSqliteCarry(): CarryDialect {
  return {
    async *readRows(tx, table, columns) {
      for await (const row of tx
        .selectFrom(table)
        .select([...columns])
        .stream())
        yield [row];
    },
    async lastNumber(tx, table) {
      const { rows } = await sql<{ seq: number }>`select seq from sqlite_sequence where name = ${table}`.execute(tx);
      return rows[0]?.seq;
    },
    async setLastNumber(tx, table, _column, last) {
      await sql`delete from sqlite_sequence where name = ${table}`.execute(tx);
      await sql`insert into sqlite_sequence (name, seq) values (${table}, ${last})`.execute(tx);
    },
    storable: (value) => value,
    async claim(db) {
      await sql`pragma busy_timeout = 500`.execute(db);
      await sql`pragma locking_mode = exclusive`.execute(db);
      try {
        // The lock is taken by the first one to write. Every connection that is open holds the opposite of it.
        await sql`begin immediate`.execute(db);
        await sql`rollback`.execute(db);
        return true;
      } catch (error) {
        if (error instanceof Error && /locked|busy/i.test(error.message)) return false;
        throw error;
      }
    },
  };
}

/** Carries tables from and to PostgreSQL. */
export const postgresCarry: CarryDialect = {
  async *readRows(tx, table, columns) {
    const list = sql.join(columns.map((column) => sql.ref(column)));
    await sql`declare carried no scroll cursor for select ${list} from ${sql.table(table)}`.execute(tx);
    for (;;) {
      const { rows } = await sql<Row>`fetch ${sql.raw(String(PORTION))} from carried`.execute(tx);
      if (rows.length === 0) break;
      yield rows;
    }
    await sql`close carried`.execute(tx);
  },
  async lastNumber(tx, table, column) {
    const { rows } = await sql<{ last: number | null }>`
      select pg_sequence_last_value(pg_get_serial_sequence(${table}, ${column})::regclass) as last`.execute(tx);
    return rows[0]?.last ?? undefined;
  },
  async setLastNumber(tx, table, column, last) {
    await sql`select setval(pg_get_serial_sequence(${table}, ${column})::regclass, ${last})`.execute(tx);
  },
  // PostgreSQL keeps no NUL in a text; the same is done when it is written for the first time.
  storable: (value) => (typeof value === 'string' && value.includes('\0') ? value.replaceAll('\0', '\uFFFD') : value),
  async claim(db) {
    const { rows } = await sql`select 1 from pg_stat_activity
      where datname = current_database() and application_name = 'asbru listener'`.execute(db);
    return rows.length === 0;
  },
};
