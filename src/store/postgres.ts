import { PostgresDialect } from 'kysely';
import { Client, Pool, types, type ClientConfig, type PoolClient } from 'pg';
import { dropClient, guardClient, unavailable } from './postgres-client.ts';
import { Secret } from '../lib/secret.ts';
import type { DatabaseDialect } from './dialect.ts';
import { openNoticeLink } from './notice-link.ts';
import { postgresCarry } from './portable/dialects.ts';

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

/** The type number of bigint in PostgreSQL. */
const INT8 = 20;
const CONNECT_TIMEOUT_MS = 10_000;
/** No statement of ours takes so long, once the tables are made, unless the database has stopped answering. */
const STATEMENT_TIMEOUT_MS = 15_000;
/** Nobody holds the lock of a row, which has a name, for longer: it is held during one request to a stranger. */
const ROW_LOCK_MS = 60_000;
/** A database that is there confirms the end of a connection sooner. */
const GOODBYE_MS = 1_000;

/** PostgreSQL. Connects at the first statement. */
export function postgres(options: PostgresOptions, onError: (error: unknown) => void): DatabaseDialect {
  const config = clientConfig(options);
  let limitMs: number | undefined;
  const pool = new Pool({ ...config, application_name: 'asbru', max: options.max_open_conns ?? 10 });
  pool.on('error', onError);
  // A connection that breaks while it is in use also emits "error", which would end the process if nobody listened.
  pool.on('connect', (client) => {
    client.on('error', onError);
    guardClient(client, { place, limitMs: () => limitMs });
  });

  const { host, port, database } = new Client(config);
  const place = `${host}:${port}/${database ?? ''}`;
  const connect = async (): Promise<PoolClient> => {
    try {
      return await pool.connect();
    } catch (cause) {
      throw unavailable(place, cause);
    }
  };
  const notify = async (channel: string, text: string): Promise<void> => {
    const client = await connect();
    try {
      await client.query('select pg_notify($1, $2)', [channel, text]);
    } finally {
      client.release();
    }
  };
  const createListener = (): Client =>
    new Client({ ...config, application_name: 'asbru listener', query_timeout: CONNECT_TIMEOUT_MS });
  return {
    type: 'postgres',
    isShared: true,
    place,
    onMigrated: () => void (limitMs = STATEMENT_TIMEOUT_MS),
    kysely: new PostgresDialect({ pool: { connect, end: () => pool.end(), options: pool.options } }),
    autoNumber: (column) => column.primaryKey().generatedByDefaultAsIdentity(),
    createListener,
    openLink: (link) => openNoticeLink({ ...link, createListener, notify }),
    carry: postgresCarry,
    lock: (id, isWaiting) =>
      holdLock(new Client({ ...config, application_name: 'asbru lock' }), { id, isWaiting, place, onError }),
  };
}

interface LockOptions {
  readonly id: number | string;
  readonly isWaiting: boolean;
  readonly place: string;
  readonly onError: (error: unknown) => void;
}

/** On a connection of its own: the lock ends with it, however the process ends, and the pool may be as small as one. */
async function holdLock(
  client: Client,
  { id, isWaiting, place, onError }: LockOptions,
): Promise<AsyncDisposable | undefined> {
  client.on('error', onError);
  guardClient(client, { place, limitMs: () => (typeof id === 'string' ? ROW_LOCK_MS : undefined) });
  const end = async (): Promise<void> => {
    const late = setTimeout(() => dropClient(client), GOODBYE_MS);
    await client.end().catch(onError);
    clearTimeout(late);
  };
  try {
    await client.connect().catch((cause: unknown) => {
      throw unavailable(place, cause);
    });
    const key = typeof id === 'number' ? '$1::bigint' : 'hashtextextended($1, 0)';
    const { rows } = isWaiting
      ? await client.query<{ is_held: boolean }>(`select true as is_held from pg_advisory_lock(${key})`, [id])
      : await client.query<{ is_held: boolean }>(`select pg_try_advisory_lock(${key}) as is_held`, [id]);
    if (rows[0]?.is_held === true) return { [Symbol.asyncDispose]: end };
  } catch (error) {
    await end();
    throw error;
  }
  await end();
  return undefined;
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
