import { sql } from 'kysely';
import { describe, expect, test, vi } from 'vitest';
import { DATABASES, openTestDatabase } from '../../test/kit/databases.ts';
import { openSharedDatabase, SHARED } from '../../test/kit/shared.ts';
import type { Database } from './database.ts';
import { TABLES } from './schema.ts';
import { createChanges } from './changes.ts';

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
