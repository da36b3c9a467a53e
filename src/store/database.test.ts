import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { DATABASES, newPostgresUrl, openTestDatabase } from '../../test/kit/databases.ts';
import { openSharedDatabase } from '../../test/kit/shared.ts';
import { joinExchange } from '../../test/kit/siblings.ts';
import { temporaryDirectory } from '../../test/kit/temporary-directory.ts';
import { openDatabase } from './database.ts';
import { createExchange } from './exchange.ts';
import { createSettingsStore } from './settings.ts';

describe.each(DATABASES)('on %s', (type) => {
  test('a transaction that throws leaves nothing behind', async () => {
    await using database = await openTestDatabase(type);
    const settings = createSettingsStore(database.db);
    const failed = database.transaction(async (tx) => {
      await settings.with(tx).put('a', 1);
      throw new Error('stop');
    });
    await expect(failed).rejects.toThrow('stop');
    expect(await settings.get('a')).toBeUndefined();
    await database.transaction((tx) => settings.with(tx).put('a', 2));
    expect(await settings.get('a')).toBe(2);
  });

  test('large numbers come back as numbers', async () => {
    await using database = await openTestDatabase(type);
    const { rows } = await sql<{ n: number }>`select cast(1764000000000 as bigint) as n`.execute(database.db);
    expect(rows).toEqual([{ n: 1_764_000_000_000 }]);
  });
});

test('a SQLite file keeps its rows, in a folder made for it', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'new', 'config.db');
  for (const expected of [undefined, 'kept']) {
    const database = await openDatabase({ type: 'sqlite', path });
    const settings = createSettingsStore(database.db);
    expect(await settings.get('a')).toBe(expected);
    await settings.put('a', 'kept');
    await database.close();
  }
});

test('a file that is no database is refused in one sentence', async () => {
  await using directory = await temporaryDirectory();
  const path = join(directory.path, 'config.db');
  await writeFile(path, 'this is a letter, not a database, and it is long enough to be one. '.repeat(20));
  await expect(openDatabase({ type: 'sqlite', path })).rejects.toMatchObject({
    code: 'database_unavailable',
    message: `Cannot open the SQLite database ${path}: file is not a database`,
  });
});

test('a PostgreSQL that is not there is refused in one sentence without the password', async () => {
  const config = { url: 'postgres://someone:hidden-word@127.0.0.1:1/nowhere' };
  await expect(openDatabase({ type: 'postgres', config })).rejects.toMatchObject({
    code: 'database_unavailable',
    message: 'No answer from the PostgreSQL database at 127.0.0.1:1/nowhere: connect ECONNREFUSED 127.0.0.1:1',
  });
});

test('a database that a newer version has migrated is refused', async () => {
  await using directory = await temporaryDirectory();
  const options = { type: 'sqlite', path: join(directory.path, 'config.db') } as const;
  const database = await openDatabase(options);
  await sql`insert into kysely_migration values ('999-future', '2099-01-01')`.execute(database.db);
  await database.close();
  await expect(openDatabase(options)).rejects.toThrow(/written by a newer version of Asbru: its migration 999-future/);
});

test('several processes may migrate the same PostgreSQL at once, even with one connection each', async () => {
  const config = { url: await newPostgresUrl(), max_open_conns: 1 };
  const opened = await Promise.all(Array.from({ length: 5 }, () => openDatabase({ type: 'postgres', config })));
  for (const database of opened) {
    expect(await createSettingsStore(database.db).get('a')).toBeUndefined();
    await database.close();
  }
});

test('PostgreSQL can be named by fields, which may be references', async () => {
  const { hostname, port, password, pathname } = new URL(await newPostgresUrl());
  process.env['TEST_PG_PASSWORD'] = password;
  const database = await openDatabase({
    type: 'postgres',
    config: { host: hostname, port, user: 'postgres', password: 'env.TEST_PG_PASSWORD', db_name: pathname.slice(1) },
  });
  expect(database.dialect.place).toBe(`127.0.0.1:${port}${pathname}`);
  await database.close();
});

test('a connection that breaks in use fails its statement and nothing else', async () => {
  const errors: unknown[] = [];
  const options = { type: 'postgres', config: { url: await newPostgresUrl(), max_open_conns: 1 } } as const;
  const database = await openDatabase(options, (error) => errors.push(error));
  const suicide = database.transaction((tx) => sql`select pg_terminate_backend(pg_backend_pid())`.execute(tx));
  await expect(suicide).rejects.toThrow();
  expect(await createSettingsStore(database.db).get('a')).toBeUndefined();
  await database.close();
});

test('a disk that is full is said to be the trouble, what was begun is undone, and it goes on when there is room', async () => {
  await using database = await openTestDatabase('sqlite');
  const { db } = database;
  const settings = createSettingsStore(db);
  await settings.put('a', 1);
  const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(db);
  await sql`pragma max_page_count = ${sql.lit(rows[0]?.page_count ?? 0)}`.execute(db);
  const failed = database.transaction(async (tx) => {
    await settings.with(tx).put('a', 2);
    await settings.with(tx).put('b', 'x'.repeat(100_000));
  });
  await expect(failed).rejects.toMatchObject({
    code: 'database_unavailable',
    message: expect.stringContaining('is full'),
  });
  await sql`pragma max_page_count = 1000000`.execute(db);
  expect(await settings.get('a')).toBe(1);
  await database.transaction((tx) => settings.with(tx).put('a', 3));
  expect(await settings.get('a')).toBe(3);
});

test('who writes to a file while another process does waits without stopping everything else', async () => {
  await using shared = await openSharedDatabase('file');
  const [one, other] = [await shared.open(), await shared.open()];
  const order: string[] = [];
  let waiting: Promise<unknown> | undefined;
  await one.transaction(async (tx) => {
    await createSettingsStore(tx).put('a', 1);
    waiting = Promise.all([
      createSettingsStore(other.db)
        .put('a', 2)
        .then(() => order.push('statement')),
      other.transaction((inner) => createSettingsStore(inner).put('b', 3)).then(() => order.push('transaction')),
    ]);
    // A process that slept in between could not get here.
    await new Promise((resolve) => setTimeout(resolve, 50));
    order.push('end of the first');
  });
  await waiting;
  expect(order).toEqual(['end of the first', 'statement', 'transaction']);
  expect(await createSettingsStore(one.db).get('a')).toBe(2);
});

test('several processes are refused what only one of them could see', async () => {
  const siblings = joinExchange(createExchange());
  await expect(openDatabase({ type: 'sqlite', path: ':memory:', siblings })).rejects.toThrow('in memory');
});
