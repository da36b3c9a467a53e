import { sql, type Kysely } from 'kysely';
import { describe, expect, test } from 'vitest';
import { DATABASES, newPostgresUrl } from '../../test/kit/databases.ts';
import { configMigrations, connect, type Connection, type DatabaseOptions } from './database.ts';
import type { DatabaseDialect } from './dialect.ts';
import { ledgerMigrations } from './ledger/migrate.ts';
import { listApplied, migrateTo, type MigrationSet } from './migrate.ts';

type Any = Record<string, Record<string, unknown>>;

const SETS = { configuration: configMigrations, ledger: ledgerMigrations } as const;

async function open(type: (typeof DATABASES)[number]): Promise<Connection<Any> & AsyncDisposable> {
  const options: DatabaseOptions =
    type === 'sqlite' ? { type, path: ':memory:' } : { type, config: { url: await newPostgresUrl() } };
  const connection = await connect<Any>(options);
  return { ...connection, [Symbol.asyncDispose]: () => connection.db.destroy() };
}

/** Everything that a migration can make: columns, indexes, constraints, triggers, functions. */
async function describeSchema(db: Kysely<Any>, { type }: DatabaseDialect): Promise<unknown> {
  const tables = await db.introspection.getTables();
  const columns = tables
    .flatMap(({ name, columns: own }) => own.map((column) => JSON.stringify([name, column])))
    .toSorted();
  const extras =
    type === 'sqlite'
      ? sql<{ text: string }>`select type || ' ' || name || ' on ' || tbl_name as text from sqlite_master
          where type <> 'table' order by 1`
      : sql<{ text: string }>`select indexdef as text from pg_indexes where schemaname = 'public'
          union all select conname || ' ' || pg_get_constraintdef(oid) from pg_constraint
            where connamespace = 'public'::regnamespace
          union all select tgname::text from pg_trigger where not tgisinternal
          union all select proname::text from pg_proc where pronamespace = 'public'::regnamespace
          order by 1`;
  // Columns that were added later stand last, wherever they are dropped and added again.
  return { columns, extras: (await extras.execute(db)).rows.map(({ text }) => text) };
}

const go = ({ db }: Connection<Any>, set: MigrationSet, name: string | undefined) =>
  db.transaction().execute((tx) => migrateTo(tx, set, name));

describe.each(DATABASES)('on %s', (type) => {
  test.each(Object.keys(SETS) as (keyof typeof SETS)[])('every migration of the %s has a way back', async (which) => {
    await using connection = await open(type);
    const { db, dialect } = connection;
    const set = SETS[which](dialect);
    const names = Object.keys(set.migrations).toSorted();
    const before: unknown[] = [];
    for (const name of names) {
      await go(connection, set, names[before.length - 1]);
      before.push(await describeSchema(db, dialect));
      await go(connection, set, name);
    }
    const top = await describeSchema(db, dialect);
    for (const [index, name] of names.entries().toArray().toReversed()) {
      await go(connection, set, names[index - 1]);
      expect(await describeSchema(db, dialect), `after ${name} was undone`).toEqual(before[index]);
    }
    expect(await listApplied(db, set)).toEqual([]);
    await go(connection, set, names.at(-1));
    expect(await describeSchema(db, dialect)).toEqual(top);
  });
});
