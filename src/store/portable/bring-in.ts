import type { ControlledTransaction } from 'kysely';
import { GatewayError } from '../../lib/errors.ts';
import { configMigrations, connect, type DatabaseOptions } from '../database.ts';
import type { DatabaseDialect } from '../dialect.ts';
import { ledgerMigrations } from '../ledger/migrate.ts';
import { migrateTo, refuseNewer, type MigrationSet } from '../migrate.ts';
import type { Executor } from '../schema.ts';
import type { BackupHeader } from './backup-file.ts';
import { countRows, isHead, type AnyTables, type Counts, type Entry } from './entries.ts';
import type { Places } from './snapshot.ts';
import { CONFIG_TABLES, LOG_TABLES, USAGE_TABLES } from './tables.ts';
import { createTableWriter, findMissing, type TableWriter } from './write-tables.ts';

/** What is brought in, and where. */
export interface BringIn {
  readonly to: Places;
  readonly header: Pick<BackupHeader, 'asbru' | 'migrations' | 'has_logs'>;
  readonly entries: AsyncIterable<Entry>;
  /** What is there may go. */
  readonly isForced: boolean;
  /** Called when everything is written and before it is committed, on the configuration. */
  readonly finish: (tx: Executor) => Promise<void>;
}

interface Target extends AsyncDisposable {
  readonly tx: ControlledTransaction<AnyTables>;
  readonly dialect: DatabaseDialect;
  readonly set: MigrationSet;
  readonly writer: TableWriter;
}

const KINDS = {
  config: { migrationsOf: configMigrations, tables: (): readonly string[] => CONFIG_TABLES },
  ledger: {
    migrationsOf: ledgerMigrations,
    tables: (hasLogs: boolean): readonly string[] => (hasLogs ? [...USAGE_TABLES, ...LOG_TABLES] : USAGE_TABLES),
  },
} as const;

/**
 * Fills databases with what a snapshot or backup holds: everything is written, counted and brought up to date in one transaction
 * of each database, and both are committed at the end or neither. Gives how many rows there are.
 */
export async function bringIn({ to, header, entries, isForced, finish }: BringIn): Promise<Counts> {
  await using stack = new AsyncDisposableStack();
  const open = (kind: keyof typeof KINDS): Promise<Target> => openTarget(kind, to[kind], header, isForced);
  const config = stack.use(await open('config'));
  const ledger = header.migrations.ledger === undefined ? undefined : stack.use(await open('ledger'));

  const own: ReadonlySet<string> = new Set(CONFIG_TABLES);
  let target: Target | undefined;
  for await (const entry of entries) {
    if (isHead(entry)) target = own.has(entry.table) ? config : ledger;
    await target?.writer.take(entry);
  }
  const targets = ledger === undefined ? [config] : [config, ledger];
  const counts = await Promise.all(targets.map(settle));
  await finish(config.tx as unknown as Executor);
  for (const { tx } of targets) await tx.commit().execute();
  return Object.assign({}, ...counts) as Counts;
}

/** Opens a database, and leaves it with the tables of the migration that the rows are from, empty. */
async function openTarget(
  kind: keyof typeof KINDS,
  options: DatabaseOptions,
  { asbru, migrations, has_logs }: BringIn['header'],
  isForced: boolean,
): Promise<Target> {
  await using stack = new AsyncDisposableStack();
  const { db, dialect } = await connect<AnyTables>(options);
  stack.defer(() => db.destroy());
  const set = KINDS[kind].migrationsOf(dialect);
  await refuseNewer(db, set, dialect.place);
  const migration = migrations[kind] ?? '';
  if (!Object.hasOwn(set.migrations, migration)) {
    throw refuse(`what is to be brought in is of Asbru ${asbru}, which is newer; use that version`);
  }
  if (!(await dialect.carry.claim(db))) {
    throw refuse(`a gateway is running on the database ${dialect.place}; stop it first`);
  }
  const tables = KINDS[kind].tables(has_logs);
  const filled = Object.entries(await countRows(db, tables)).find(([, rows]) => rows > 0);
  if (filled !== undefined && !isForced) {
    throw refuse(`the database ${dialect.place} is not empty (${filled[0]}); --force replaces what is there`);
  }

  const tx = await db.startTransaction().execute();
  stack.defer(async () => {
    if (!tx.isCommitted && !tx.isRolledBack) await tx.rollback().execute();
  });
  // Logs that nothing takes the place of stay where they are.
  const staysLogs = kind === 'ledger' && !has_logs;
  if (!staysLogs) await migrateTo(tx, set, undefined);
  await migrateTo(tx, set, migration);
  if (staysLogs) for (const table of tables) await tx.deleteFrom(table).execute();
  const opened = stack.move();
  const writer = createTableWriter({ tx, dialect });
  return { tx, dialect, set, writer, [Symbol.asyncDispose]: () => opened.disposeAsync() };
}

/** Writes what is left, counts what is there, and brings the tables up to date. */
async function settle({ tx, dialect, set, writer }: Target): Promise<Counts> {
  const written = await writer.end();
  const missing = await findMissing({ tx, dialect }, written);
  if (missing !== undefined) {
    throw new GatewayError('internal_error', `not all rows of ${missing} were written; nothing was changed`);
  }
  await migrateTo(tx, set, Object.keys(set.migrations).toSorted().at(-1));
  return written;
}

function refuse(message: string): GatewayError {
  return new GatewayError('invalid_configuration', message);
}
