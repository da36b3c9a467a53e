import { existsSync } from 'node:fs';
import { GatewayError } from '../../lib/errors.ts';
import { connect, configMigrations, type DatabaseOptions } from '../database.ts';
import type { DatabaseDialect } from '../dialect.ts';
import { SEAL, type Seal } from '../encryption-key.ts';
import { ledgerMigrations } from '../ledger/migrate.ts';
import { listApplied, refuseNewer, type MigrationSet } from '../migrate.ts';
import type { Executor } from '../schema.ts';
import { createSettingsStore } from '../settings.ts';
import type { AnyTables, Entry, Open } from './entries.ts';
import { readTables } from './read-tables.ts';
import { CONFIG_TABLES, LOG_TABLES, USAGE_TABLES } from './tables.ts';

/** Where a gateway keeps what: two databases, or parts of one. */
export interface Places {
  readonly config: DatabaseOptions;
  readonly ledger: DatabaseOptions;
}

/** Both databases as they were at one moment, while gateways go on writing. */
export interface Snapshot extends AsyncDisposable {
  /** The newest migration of each; the ledger may never have been opened. */
  readonly migrations: { readonly config: string; readonly ledger: string | undefined };
  /** Undefined: no gateway has opened it yet. */
  readonly seal: Seal | undefined;
  /** Everything of the configuration, what was used of budgets, and the logs if they are wanted. */
  read(options: { hasLogs: boolean }): AsyncGenerator<Entry>;
}

interface View extends Open, AsyncDisposable {
  readonly migration: string | undefined;
}

/** Takes a snapshot. Nothing is changed and nobody is held up. */
export async function openSnapshot({ config, ledger }: Places): Promise<Snapshot> {
  await using stack = new AsyncDisposableStack();
  // To open a file that is not there would make one.
  const missing = missingFile(config);
  if (missing !== undefined) throw nothingAt(missing);
  const main = stack.use(await openView(config, configMigrations));
  if (main.migration === undefined) throw nothingAt(main.dialect.place);
  const logs = missingFile(ledger) === undefined ? stack.use(await openView(ledger, ledgerMigrations)) : undefined;
  const seal = (await createSettingsStore(main.tx as unknown as Executor).get(SEAL)) as Seal | undefined;
  const opened = stack.move();
  return {
    migrations: { config: main.migration, ledger: logs?.migration },
    seal,
    async *read({ hasLogs }) {
      yield* readTables(main, CONFIG_TABLES);
      if (logs !== undefined) yield* readTables(logs, hasLogs ? [...USAGE_TABLES, ...LOG_TABLES] : USAGE_TABLES);
    },
    [Symbol.asyncDispose]: () => opened.disposeAsync(),
  };
}

/** Where a file would be that is not there; undefined: there is something to open. */
function missingFile(options: DatabaseOptions): string | undefined {
  return options.type === 'sqlite' && !existsSync(options.path) ? options.path : undefined;
}

function nothingAt(place: string): GatewayError {
  return new GatewayError('invalid_configuration', `there is no database of a gateway at ${place}`);
}

/** One view of a database, as it is at the first statement. */
async function openView(
  options: DatabaseOptions,
  migrationsOf: (dialect: DatabaseDialect) => MigrationSet,
): Promise<View> {
  const { db, dialect } = await connect<AnyTables>(
    options.type === 'sqlite' ? { ...options, isReader: true } : options,
  );
  try {
    const set = migrationsOf(dialect);
    const tx = await db.startTransaction().setIsolationLevel('repeatable read').setAccessMode('read only').execute();
    await refuseNewer(tx, set, dialect.place);
    const migration = (await listApplied(tx, set)).at(-1);
    return {
      tx,
      dialect,
      migration,
      async [Symbol.asyncDispose]() {
        await tx.rollback().execute();
        await db.destroy();
      },
    };
  } catch (error) {
    await db.destroy();
    throw error;
  }
}
