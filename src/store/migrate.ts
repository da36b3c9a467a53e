import type { Kysely, Transaction } from 'kysely';
import { Migrator, NO_MIGRATIONS } from 'kysely/migration';
import { GatewayError, messageOf } from '../lib/errors.ts';
import type { ReversibleMigration } from './migrations/reversible.ts';

/** The migrations of one set of tables, by name in their order, and where it is kept which of them have run. */
export interface MigrationSet {
  readonly migrations: Readonly<Record<string, ReversibleMigration>>;
  readonly table: string;
  readonly lockTable: string;
}

type AnyDatabase = Kysely<Record<string, Record<string, unknown>>>;

/**
 * Brings the tables up to date, all or nothing. Of processes that start together one migrates and the others wait for it: kysely
 * holds an advisory lock on PostgreSQL, SQLite its write lock.
 */
export async function migrateToLatest<T>(db: Kysely<T>, set: MigrationSet, place: string): Promise<void> {
  const { error } = await migratorOf(db, set).migrateToLatest();
  if (error !== undefined) throw await explain(db, set, place, error);
}

/** Goes to the state after this migration, or before all of them, upwards or downwards, as part of a transaction. */
export async function migrateTo<T>(tx: Transaction<T>, set: MigrationSet, name: string | undefined): Promise<void> {
  const { error } = await migratorOf(tx, set).migrateTo(name ?? NO_MIGRATIONS);
  if (error !== undefined) throw error;
}

/** The migrations that a database has gone through, in their order; those of newer programs too. */
export async function listApplied<T>(db: Kysely<T>, { table }: MigrationSet): Promise<string[]> {
  const tables = await db.introspection.getTables({ withInternalKyselyTables: true });
  if (!tables.some(({ name }) => name === table)) return [];
  const rows = await (db as unknown as AnyDatabase).selectFrom(table).select('name').execute();
  return rows.map(({ name }) => String(name)).toSorted();
}

/** Throws unless this program knows every migration that the database has gone through. */
export async function refuseNewer<T>(db: Kysely<T>, set: MigrationSet, place: string): Promise<void> {
  const unknown = (await listApplied(db, set)).find((name) => !Object.hasOwn(set.migrations, name));
  if (unknown === undefined) return;
  const message =
    `The database ${place} was written by a newer version of Asbru: its migration ${unknown} is not known here. ` +
    `Start that version, or go back with its "asbru migrate --to <this version>" first.`;
  throw new GatewayError('invalid_configuration', message);
}

function migratorOf<T>(db: Kysely<T>, { migrations, table, lockTable }: MigrationSet): Migrator {
  return new Migrator({
    db,
    provider: { getMigrations: () => Promise.resolve({ ...migrations }) },
    migrationTableName: table,
    migrationLockTableName: lockTable,
  });
}

async function explain<T>(db: Kysely<T>, set: MigrationSet, place: string, cause: unknown): Promise<unknown> {
  if (cause instanceof GatewayError) return cause;
  try {
    await refuseNewer(db, set, place);
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'invalid_configuration') return error;
    // Then the database does not answer, which is what went wrong.
  }
  return new GatewayError('database_unavailable', `Cannot migrate the database ${place}: ${messageOf(cause)}`, {
    cause,
  });
}
