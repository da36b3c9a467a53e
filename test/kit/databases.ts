import { sql } from 'kysely';
import { openDatabase, type Database } from '../../src/store/database.ts';
import { TABLES } from '../../src/store/schema.ts';
import { MIGRATED } from './postgres-server.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Every GET of this address gives the URL of a new, empty PostgreSQL database. */
    postgres: string;
  }
}

/** The databases that every store test runs on. */
export const DATABASES = ['sqlite', 'postgres'] as const;

export interface TestDatabase extends Database, AsyncDisposable {}

let url: Promise<string> | undefined;

/** The URL of a PostgreSQL database of this test file's own. */
export function postgresUrl(): Promise<string> {
  url ??= newPostgresUrl();
  return url;
}

/** The URL of a PostgreSQL database that nobody has opened yet. */
export function newPostgresUrl(): Promise<string> {
  return askDoor('/');
}

/** The URL of a PostgreSQL database in which the tables are made, and empty. */
export function migratedPostgresUrl(): Promise<string> {
  return askDoor(MIGRATED);
}

async function askDoor(path: string): Promise<string> {
  const response = await fetch(new URL(path, process.env['ASBRU_TEST_POSTGRES'] ?? (await doorOfVitest())));
  if (!response.ok) throw new Error(await response.text());
  return response.text();
}

/** Suites that are not run by vitest are told by a variable (test/nodes/run.ts). */
async function doorOfVitest(): Promise<string> {
  const { inject } = await import('vitest');
  return inject('postgres');
}

/** Opens an empty database; `await using` closes it. */
export async function openTestDatabase(type: (typeof DATABASES)[number]): Promise<TestDatabase> {
  const database = await openDatabase(
    type === 'sqlite' ? { type, path: ':memory:' } : { type, config: { url: await postgresUrl() } },
  );
  // Budgets and limits hang on no foreign key; what else belongs to an entity goes with it.
  for (const table of [...TABLES, 'budgets', 'rate_limits', 'oauth_flows', 'oauth_models'] as const)
    await database.db.deleteFrom(table).execute();
  if (type === 'postgres') await clearAuditTrail(database);
  return Object.assign(database, { [Symbol.asyncDispose]: () => database.close() });
}

/** The audit trail refuses to be cleared, and it must go where the settings go, which hold its head. */
async function clearAuditTrail({ db }: Database): Promise<void> {
  await sql`alter table audit_logs disable trigger user`.execute(db);
  await sql`truncate audit_logs`.execute(db);
  await sql`alter table audit_logs enable trigger user`.execute(db);
}
