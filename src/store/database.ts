import { Kysely, type Transaction } from 'kysely';
import { GatewayError, messageOf } from '../lib/errors.ts';
import { sqlite, type DatabaseDialect, type SqliteOptions } from './dialect.ts';
import { migrateToLatest, type MigrationSet } from './migrate.ts';
import { initial } from './migrations/001-initial.ts';
import { governance } from './migrations/002-governance.ts';
import { audit } from './migrations/003-audit.ts';
import { oauth } from './migrations/004-oauth.ts';
import { userCredentials } from './migrations/005-user-credentials.ts';
import { accounts } from './migrations/006-accounts.ts';
import { inbound } from './migrations/007-inbound.ts';
import { approvals } from './migrations/008-approvals.ts';
import { providers } from './migrations/009-providers.ts';
import { tokenExchange } from './migrations/010-token-exchange.ts';
import { modelPrices } from './migrations/011-model-prices.ts';
import type { PostgresOptions } from './postgres.ts';
import { codeRuns } from './migrations/012-code-runs.ts';
import { keptResults } from './migrations/013-kept-results.ts';
import { nodes } from './migrations/014-nodes.ts';
import { codeArtifacts } from './migrations/015-code-artifacts.ts';
import { modelPriceHash } from './migrations/016-model-price-hash.ts';
import { responseEnds } from './migrations/017-response-ends.ts';
import { oauthRegistrations } from './migrations/018-oauth-registrations.ts';
import type { Tables } from './schema.ts';

/** Which database to open. */
export type DatabaseOptions =
  | ({ readonly type: 'sqlite'; readonly path: string } & Omit<SqliteOptions, 'isShared'>)
  | { readonly type: 'postgres'; readonly config: PostgresOptions };

/** An open, migrated database. */
export interface Database {
  readonly db: Kysely<Tables>;
  readonly dialect: DatabaseDialect;
  /**
   * Runs several writes as one; a throw undoes all of them. Inside, use only stores made `with(tx)`: on SQLite any other
   * statement waits for the transaction to end.
   */
  transaction<T>(run: (tx: Transaction<Tables>) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

/** A database as it is, whatever version wrote it. */
export interface Connection<T> {
  readonly db: Kysely<T>;
  readonly dialect: DatabaseDialect;
}

/** Connects to a database and changes nothing in it. `onError` hears of connections that broke while idle. */
export async function connect<T = Tables>(
  options: DatabaseOptions,
  onError: (error: unknown) => void = () => {},
): Promise<Connection<T>> {
  const dialect = await createDialect(options, onError);
  return { db: new Kysely<T>({ dialect: dialect.kysely }), dialect };
}

/** Opens a database and brings its tables up to date. `onError` as for {@link connect}. */
export async function openDatabase(
  options: DatabaseOptions,
  onError: (error: unknown) => void = () => {},
): Promise<Database> {
  const { db, dialect } = await connect(options, onError);
  try {
    await migrateToLatest(db, configMigrations(dialect), dialect.place);
    dialect.onMigrated?.();
  } catch (error) {
    await db.destroy();
    throw error;
  }
  return {
    db,
    dialect,
    transaction: (run) => db.transaction().execute(run),
    close: () => db.destroy(),
  };
}

async function createDialect(options: DatabaseOptions, onError: (error: unknown) => void): Promise<DatabaseDialect> {
  const place = options.type === 'sqlite' ? `SQLite database ${options.path}` : 'PostgreSQL database';
  try {
    if (options.type === 'sqlite') return sqlite(options.path, options);
    // Loaded only where it is used: its driver takes memory.
    const { postgres } = await import('./postgres.ts');
    return postgres(options.config, onError);
  } catch (cause) {
    throw new GatewayError('database_unavailable', `Cannot open the ${place}: ${messageOf(cause)}`, { cause });
  }
}

/** The migrations of the configuration. */
export function configMigrations(dialect: DatabaseDialect): MigrationSet {
  const migrations = {
    '001-initial': initial(dialect),
    '002-governance': governance(dialect),
    '003-audit': audit(dialect),
    '004-oauth': oauth(),
    '005-user-credentials': userCredentials(),
    '006-accounts': accounts(),
    '007-inbound': inbound(),
    '008-approvals': approvals(),
    '009-providers': providers(),
    '010-token-exchange': tokenExchange(),
    '011-model-prices': modelPrices(),
    '012-code-runs': codeRuns(),
    '013-kept-results': keptResults(),
    '014-nodes': nodes(),
    '015-code-artifacts': codeArtifacts(),
    '016-model-price-hash': modelPriceHash(),
    '017-response-ends': responseEnds(),
    '018-oauth-registrations': oauthRegistrations(),
  };
  return { migrations, table: 'kysely_migration', lockTable: 'kysely_migration_lock' };
}
