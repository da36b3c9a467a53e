import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { SqliteAdapter, SqliteDialect } from 'kysely';
import type { ColumnDefinitionBuilder, Dialect, SqliteDatabase } from 'kysely';
import type { Client } from 'pg';
import { createSqliteCarry, type CarryDialect } from './portable/dialects.ts';

/** Everything that differs between the two databases. */
export interface DatabaseDialect {
  readonly type: 'sqlite' | 'postgres';
  /** Where the database is, for messages. Never with a password. */
  readonly place: string;
  readonly kysely: Dialect;
  readonly autoNumber: (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder;
  /** Makes a connection outside the pool, to listen on; undefined where no other process can change rows. */
  readonly createListener: (() => Client) | undefined;
  /**
   * Holds the lock of this number against all other processes on the database, until it is disposed of or the process ends. Waits
   * for it, or gives undefined when another has it. On SQLite there are no others.
   */
  readonly lock: (id: number, isWaiting: boolean) => Promise<AsyncDisposable | undefined>;
  readonly carry: CarryDialect;
}

const MAX_CACHED_STATEMENTS = 500;

/**
 * SQLite in a file, or `:memory:`. Opens it at once. `isReader`: transactions only read, beside those that write, and see the file
 * as it was when they began.
 */
export function sqlite(path: string, { isReader = false }: { isReader?: boolean } = {}): DatabaseDialect {
  if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true });
  const database = new DatabaseSync(path, { timeout: 5000, enableForeignKeyConstraints: true });
  try {
    database.exec('pragma journal_mode = wal; pragma synchronous = normal');
  } catch (error) {
    database.close();
    throw error;
  }
  return {
    type: 'sqlite',
    place: path,
    kysely: new TransactionalSqliteDialect({ database: adaptSqlite(database, isReader ? 'begin' : 'begin immediate') }),
    autoNumber: (column) => column.primaryKey().autoIncrement(),
    createListener: undefined,
    carry: createSqliteCarry(),
    lock: () => Promise.resolve({ [Symbol.asyncDispose]: () => Promise.resolve() }),
  };
}

/** node:sqlite in the shape that kysely expects. Prepared statements are kept: preparing costs more than most reads. */
function adaptSqlite(database: DatabaseSync, begin: string): SqliteDatabase {
  const statements = new Map<string, StatementSync>();
  return {
    close: () => database.close(),
    prepare(text) {
      // A deferred transaction that reads first fails at its first write when another process wrote in between.
      const sql = text === 'begin' ? begin : text;
      let statement = statements.get(sql);
      if (statement === undefined) {
        statement = database.prepare(sql);
        if (statements.size >= MAX_CACHED_STATEMENTS) statements.clear();
        statements.set(sql, statement);
      }
      const prepared = statement;
      return {
        reader: prepared.columns().length > 0,
        all: (values) => prepared.all(...(values as SQLInputValue[])),
        run: (values) => prepared.run(...(values as SQLInputValue[])),
        iterate: (values) => prepared.iterate(...(values as SQLInputValue[])),
      };
    },
  };
}

/** Kysely migrates SQLite without a transaction, although SQLite can: a migration that fails must leave nothing behind. */
class TransactionalSqliteDialect extends SqliteDialect {
  override createAdapter(): SqliteAdapter {
    return new TransactionalSqliteAdapter();
  }
}

class TransactionalSqliteAdapter extends SqliteAdapter {
  override get supportsTransactionalDdl(): boolean {
    return true;
  }
}

/** The column whose uniqueness a statement broke, in either database's words; undefined for any other error. */
export function uniqueViolation(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, table, constraint } = error as Error & { code?: string; table?: string; constraint?: string };
  if (code === '23505') return constraint?.replace(`${table}_`, '').replace(/_key$/, '') ?? '';
  return /^UNIQUE constraint failed: \w+\.(\w+)/.exec(error.message)?.[1];
}
