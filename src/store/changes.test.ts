import { sql } from 'kysely';
import { describe, expect, test, vi } from 'vitest';
import { DATABASES, openTestDatabase } from '../../test/kit/databases.ts';
import { openSharedDatabase, SHARED } from '../../test/kit/shared.ts';
import type { Database } from './database.ts';
import { TABLES } from './schema.ts';
import { createChanges } from './changes.ts';

// Attempts come one after the other, without the seconds in between.
vi.mock('../lib/time.ts', async (real) => ({ ...(await real<object>()), backOff: () => 1 }));

/** Changes that note what they hear and what goes wrong. */
async function openChanges(database: Database) {
  const heard: string[] = [];
  const errors: unknown[] = [];
  const changes = await createChanges(database, (error) => errors.push(error));
  changes.subscribe((table, id) => void heard.push(`${table}:${id}`));
  return Object.assign(changes, { heard, errors, [Symbol.asyncDispose]: () => changes.close() });
}

describe.each(DATABASES)('on %s', (type) => {
  test('the listeners of this process are done when publish returns, each told once', async () => {
    await using database = await openTestDatabase(type);
    await using changes = await openChanges(database);
    const done: string[] = [];
    const stop = changes.subscribe(async (_table, id) => {
      await sql`select 1`.execute(database.db);
      done.push(id);
    });
    await changes.publish('mcp_clients', 'a');
    expect(done).toEqual(['a']);
    stop();
    await changes.publish('mcp_clients', 'b');
    expect(done).toEqual(['a']);
    expect(changes.heard).toEqual(['mcp_clients:a', 'mcp_clients:b']);
  });

  test('who comes first is done before the others hear of a change, which they do not if that fails', async () => {
    await using database = await openTestDatabase(type);
    const seen: string[] = [];
    const isAway = new Set(['b']);
    const changes = await createChanges(database, () => undefined);
    changes.subscribe((_table, id) => void seen.push(`second ${id}`));
    const first = async (_table: string, id: string): Promise<void> => {
      await sql`select 1`.execute(database.db);
      seen.push(`first ${id}`);
      if (isAway.delete(id)) throw new Error('the database is away');
    };
    changes.subscribe(first, { isFirst: true });
    await changes.publish('mcp_clients', 'a');
    expect(seen).toEqual(['first a', 'second a']);
    await changes.publish('mcp_clients', 'b');
    expect(seen.slice(2)).toEqual(['first b']);
    await vi.waitFor(() => expect(seen.slice(2)).toEqual(['first b', 'first b', 'second b']));
    await changes.close();
  });

  test('a listener that fails is told of and disturbs nobody', async () => {
    await using database = await openTestDatabase(type);
    const heard: string[] = [];
    const errors: unknown[] = [];
    const changes = await createChanges(database, (error) => errors.push(error));
    changes.subscribe(() => {
      throw new Error('at once');
    });
    changes.subscribe(() => Promise.reject(new Error('later')));
    changes.subscribe((table, id) => void heard.push(`${table}:${id}`));
    await changes.publish('settings', 'x');
    expect(heard).toEqual(['settings:x']);
    expect(errors.map(String)).toEqual(['Error: at once', 'Error: later']);
    await changes.close();
  });
});

/** A row of which this process keeps what the database last said; `isAway` while that does not answer. */
async function openFollower(database: Database) {
  const row = { stored: 0, known: 0, reads: 0, isAway: true };
  const changes = await createChanges(database, () => undefined);
  changes.subscribe(async () => {
    row.reads += 1;
    const { stored } = row;
    await Promise.resolve();
    if (row.isAway) throw new Error('the database is away');
    row.known = stored;
  });
  return { row, changes, [Symbol.asyncDispose]: () => changes.close() };
}

describe('a change that cannot be applied', () => {
  test('is applied in the end, however long the database is away', async () => {
    await using database = await openTestDatabase('sqlite');
    await using follower = await openFollower(database);
    const { row, changes } = follower;
    row.stored = 1;
    await changes.publish('virtual_keys', 'revoked');
    await vi.waitFor(() => expect(row.reads).toBeGreaterThan(20));
    row.isAway = false;
    await vi.waitFor(() => expect(row.known).toBe(1));
  });

  test('is tried once for all who announced it, until the latest of them is in', async () => {
    await using database = await openTestDatabase('sqlite');
    await using follower = await openFollower(database);
    const { row, changes } = follower;
    for (let version = 1; version <= 50; version += 1) {
      row.stored = version;
      await changes.publish('virtual_keys', 'busy');
    }
    row.isAway = false;
    const before = row.reads;
    await vi.waitFor(() => expect(row.known).toBe(50));
    expect(row.reads - before).toBeLessThanOrEqual(5);
  });

  test('is tried no more after the end', async () => {
    await using database = await openTestDatabase('sqlite');
    const { row, changes } = await openFollower(database);
    await changes.publish('virtual_keys', 'x');
    await changes.close();
    row.isAway = false;
    const { reads } = row;
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(row.reads).toBe(reads);
  });
});

test.each(SHARED)('two processes on one %s hear each other, and their own notices once', async (type) => {
  await using database = await openSharedDatabase(type);
  await using first = await openChanges(await database.open());
  await using second = await openChanges(await database.open());
  await first.publish('mcp_clients', 'from "first"');
  await second.publish('settings', 'from second');
  const expected = ['mcp_clients:from "first"', 'settings:from second'];
  await vi.waitFor(() => expect(first.heard).toEqual(expected));
  await vi.waitFor(() => expect(second.heard.toSorted()).toEqual(expected));

  // A notice of its own that came back would arrive before this one, which is sent later.
  await second.publish('settings', 'last');
  await vi.waitFor(() => expect(first.heard.at(-1)).toBe('settings:last'));
  expect(first.heard).toHaveLength(3);
});

test('a process that lost its connection makes a new one and reloads everything', async () => {
  await using database = await openTestDatabase('postgres');
  await using changes = await openChanges(database);
  await using other = await openChanges(database);
  await sql`select pg_terminate_backend(pid) from pg_stat_activity
    where application_name = 'asbru listener' and datname = current_database()`.execute(database.db);
  for (const { heard } of [changes, other]) {
    await vi.waitFor(() => expect(heard).toEqual(TABLES.map((table) => `${table}:*`)), 5000);
  }
  expect(String(changes.errors[0])).toContain('terminating connection');

  await other.publish('api_keys', '1');
  await vi.waitFor(() => expect(changes.heard.at(-1)).toBe('api_keys:1'), 5000);
});

test('closing lets go of the connection and makes no new one', async () => {
  await using database = await openTestDatabase('postgres');
  const changes = await openChanges(database);
  await changes.close();
  await vi.waitFor(async () => {
    const { rows } = await sql`select 1 from pg_stat_activity
      where application_name = 'asbru listener' and datname = current_database()`.execute(database.db);
    expect(rows).toEqual([]);
  }, 5000);
  expect(changes.errors).toEqual([]);
});
