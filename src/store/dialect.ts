import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { SqliteAdapter, SqliteDialect } from 'kysely';
import type { ColumnDefinitionBuilder, Dialect, Driver, SqliteDatabase, SqliteDialectConfig } from 'kysely';
import type { Client } from 'pg';
import { GatewayError, messageOf } from '../lib/errors.ts';
import type { Link, LinkOptions } from './link.ts';
import { PatientDriver } from './patient-driver.ts';
import { createSqliteCarry, type CarryDialect } from './portable/dialects.ts';
import { openSiblingLink, type Siblings } from './siblings.ts';

/** Everything that differs between the two databases. */
export interface DatabaseDialect {
  readonly type: 'sqlite' | 'postgres';
  /** Whether other processes of the gateway may work on it at the same time. */
  readonly isShared: boolean;
  /** Where the database is, for messages. Never with a password. */
  readonly place: string;
  readonly kysely: Dialect;
  readonly autoNumber: (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder;
  /** Told when the tables are made: what takes longer than a statement should has gone wrong from then on. */
  readonly onMigrated?: () => void;
  /** Makes a connection outside the pool, to listen on; undefined where there is nothing to listen to. */
  readonly createListener: (() => Client) | undefined;
  /** Opens the way to the other processes on the database; undefined where there can be none. */
  readonly openLink: ((options: LinkOptions) => Promise<Link>) | undefined;
  /**
   * Holds the lock of this number or name against all other processes on the database, until it is disposed of or the process
   * ends. Waits for it, or gives undefined when another has it. Where there can be no others, it is always free.
   */
  readonly lock: (id: number | string, isWaiting: boolean) => Promise<AsyncDisposable | undefined>;
  readonly carry: CarryDialect;
}

/** How a SQLite file is opened. */
export interface SqliteOptions {
  /** Transactions only read, beside those that write, and see the file as it was when they began. */
  readonly isReader?: boolean;
  /** The other processes that work on it. */
  readonly siblings?: Siblings | undefined;
  /** There are others, though this one need not tell them anything. */
  readonly isShared?: boolean;
}

const MAX_CACHED_STATEMENTS = 500;
const ALWAYS_FREE = { [Symbol.asyncDispose]: () => Promise.resolve() };

/** SQLite in a file, or `:memory:`. Opens it at once. */
export function sqlite(path: string, options: SqliteOptions = {}): DatabaseDialect {
  const { isReader = false, siblings, isShared = siblings !== undefined } = options;
  if (isShared && path === ':memory:') throw new Error('several processes cannot share a database in memory');
  if (path !== ':memory:') mkdirSync(dirname(path), { recursive: true });
  const database = new DatabaseSync(path, { timeout: 5000, enableForeignKeyConstraints: true });
  try {
    database.exec('pragma journal_mode = wal; pragma synchronous = normal');
  } catch (error) {
    database.close();
    throw error;
  }
  // From here on whoever waits for other processes does so in patient-driver.ts.
  if (isShared) database.exec('pragma busy_timeout = 0');
  const config = { database: adaptSqlite(database, path, isReader ? 'begin' : 'begin immediate') };
  return {
    type: 'sqlite',
    isShared,
    place: path,
    kysely: new TransactionalSqliteDialect(
      config,
      isShared ? () => new PatientDriver(config, () => database.isTransaction) : undefined,
    ),
    autoNumber: (column) => column.primaryKey().autoIncrement(),
    createListener: undefined,
    openLink: siblings && ((link) => Promise.resolve(openSiblingLink(siblings, link))),
    carry: createSqliteCarry(),
    lock: (id, isWaiting) => siblings?.lock(String(id), isWaiting) ?? Promise.resolve(ALWAYS_FREE),
  };
}

/** node:sqlite in the shape that kysely expects. Prepared statements are kept: preparing costs more than most reads. */
function adaptSqlite(database: DatabaseSync, place: string, begin: string): SqliteDatabase {
  const statements = new Map<string, StatementSync>();

  function prepare(text: string): StatementSync {
    // A deferred transaction that reads first fails at its first write when another process wrote in between.
    const sql = text === 'begin' ? begin : text;
    let statement = statements.get(sql);
    if (statement === undefined) {
      statement = database.prepare(sql);
      if (statements.size >= MAX_CACHED_STATEMENTS) statements.clear();
      statements.set(sql, statement);
    }
    return statement;
  }

  function attempt<T>(action: () => T): T {
    try {
      return action();
    } catch (error) {
      throw isUnavailable(error) ? unavailable(place, error) : error;
    }
  }

  return {
    close: () => database.close(),
    prepare(text) {
      const prepared = attempt(() => prepare(text));
      return {
        reader: prepared.columns().length > 0,
        all: (values) => attempt(() => prepared.all(...(values as SQLInputValue[]))),
        run(values) {
          // A full disk has ended the transaction already, and to say so again would hide the reason.
          if (text === 'rollback' && !database.isTransaction) return { changes: 0, lastInsertRowid: 0 };
          return attempt(() => prepared.run(...(values as SQLInputValue[])));
        },
        iterate: (values) => prepared.iterate(...(values as SQLInputValue[])),
      };
    },
  };
}

// Busy, no memory, read-only, I/O error, corrupt, full, cannot open, no database: https://sqlite.org/rescode.html
const UNAVAILABLE = new Set([5, 7, 8, 10, 11, 13, 14, 26]);

/** True when it is not for what the statement says. */
function isUnavailable(error: unknown): boolean {
  const { errcode } = error as { errcode?: unknown };
  return typeof errcode === 'number' && UNAVAILABLE.has(errcode & 0xff);
}

function unavailable(place: string, cause: unknown): GatewayError {
  const message = `The SQLite database ${place} cannot be used: ${messageOf(cause)}`;
  return new GatewayError('database_unavailable', message, { cause });
}

/** Kysely migrates SQLite without a transaction, although SQLite can: a migration that fails must leave nothing behind. */
class TransactionalSqliteDialect extends SqliteDialect {
  readonly #createDriver: (() => Driver) | undefined;

  constructor(config: SqliteDialectConfig, createDriver?: () => Driver) {
    super(config);
    this.#createDriver = createDriver;
  }

  override createDriver(): Driver {
    return this.#createDriver?.() ?? super.createDriver();
  }

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

/** Whether a statement named a row of another table that is not there. */
export function isForeignKeyViolation(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return (error as Error & { code?: string }).code === '23503' || error.message.startsWith('FOREIGN KEY constraint');
}
