import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import { PostgresDialect, SqliteAdapter, SqliteDialect } from 'kysely';
import type { ColumnDefinitionBuilder, Dialect, SqliteDatabase } from 'kysely';
import { Client, Pool, types, type ClientConfig, type PoolClient } from 'pg';
import { GatewayError, messageOf } from '../lib/errors.ts';
import { Secret } from '../lib/secret.ts';

/** `config_store.config` of a PostgreSQL store; every text may be a reference `env.NAME`. */
export interface PostgresOptions {
  readonly url?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: number | string | undefined;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  readonly db_name?: string | undefined;
  readonly ssl_mode?: 'disable' | 'require' | 'verify-ca' | 'verify-full' | undefined;
  readonly max_open_conns?: number | undefined;
}

/** Everything that differs between the two databases. */
export interface DatabaseDialect {
  readonly type: 'sqlite' | 'postgres';
  /** Where the database is, for messages. Never with a password. */
  readonly place: string;
  readonly kysely: Dialect;
  readonly autoNumber: (column: ColumnDefinitionBuilder) => ColumnDefinitionBuilder;
  /** Makes a connection outside the pool, to listen on; undefined where no other process can change rows. */
  readonly createListener: (() => Client) | undefined;
}

const MAX_CACHED_STATEMENTS = 500;
/** The type number of bigint in PostgreSQL. */
const INT8 = 20;
const CONNECT_TIMEOUT_MS = 10_000;

/** SQLite in a file, or `:memory:`. Opens it at once. */
export function sqlite(path: string): DatabaseDialect {
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
    kysely: new TransactionalSqliteDialect({ database: adaptSqlite(database) }),
    autoNumber: (column) => column.primaryKey().autoIncrement(),
    createListener: undefined,
  };
}

/** node:sqlite in the shape that kysely expects. Prepared statements are kept: preparing costs more than most reads. */
function adaptSqlite(database: DatabaseSync): SqliteDatabase {
  const statements = new Map<string, StatementSync>();
  return {
    close: () => database.close(),
    prepare(text) {
      // A deferred transaction that reads first fails at its first write when another process wrote in between.
      const sql = text === 'begin' ? 'begin immediate' : text;
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

/** PostgreSQL. Connects at the first statement. */
export function postgres(options: PostgresOptions, onError: (error: unknown) => void): DatabaseDialect {
  const config = clientConfig(options);
  const pool = new Pool({ ...config, application_name: 'asbru', max: options.max_open_conns ?? 10 });
  pool.on('error', onError);
  // A connection that breaks while it is in use also emits "error", which would end the process if nobody listened.
  pool.on('connect', (client) => client.on('error', onError));

  const { host, port, database } = new Client(config);
  const place = `${host}:${port}/${database ?? ''}`;
  const connect = async (): Promise<PoolClient> => {
    try {
      return await pool.connect();
    } catch (cause) {
      throw new GatewayError('database_unavailable', `No connection to PostgreSQL at ${place}: ${messageOf(cause)}`);
    }
  };
  return {
    type: 'postgres',
    place,
    kysely: new PostgresDialect({ pool: { connect, end: () => pool.end(), options: pool.options } }),
    autoNumber: (column) => column.primaryKey().generatedByDefaultAsIdentity(),
    createListener: () =>
      new Client({ ...config, application_name: 'asbru listener', query_timeout: CONNECT_TIMEOUT_MS }),
  };
}

function clientConfig(options: PostgresOptions): ClientConfig {
  const resolve = (text: string | undefined) => (text === undefined ? undefined : Secret.parse(text).resolve());
  const url = resolve(options.url);
  const port = resolve(options.port?.toString());
  const ssl = options.ssl_mode === undefined ? undefined : SSL[options.ssl_mode];
  const address =
    url !== undefined
      ? { connectionString: url }
      : {
          host: resolve(options.host) ?? 'localhost',
          port: Number(port ?? 5432),
          user: resolve(options.user),
          password: resolve(options.password),
          database: resolve(options.db_name),
        };
  return {
    ...address,
    ...(ssl === undefined ? {} : { ssl }),
    types: { getTypeParser: parserOf },
    keepAlive: true,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
  };
}

const SSL = {
  disable: false,
  require: { rejectUnauthorized: false },
  'verify-ca': { checkServerIdentity: () => undefined },
  'verify-full': true,
} as const;

/** 64-bit integers arrive as numbers: times and counts stay far below 2^53. */
function parserOf(oid: number, format?: 'text' | 'binary'): unknown {
  return oid === INT8 ? Number : types.getTypeParser(oid, format);
}

/** The column whose uniqueness a statement broke, in either database's words; undefined for any other error. */
export function uniqueViolation(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, table, constraint } = error as Error & { code?: string; table?: string; constraint?: string };
  if (code === '23505') return constraint?.replace(`${table}_`, '').replace(/_key$/, '') ?? '';
  return /^UNIQUE constraint failed: \w+\.(\w+)/.exec(error.message)?.[1];
}
