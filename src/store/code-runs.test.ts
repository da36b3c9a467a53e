import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { DATABASES, openTestDatabase } from '../../test/kit/databases.ts';
import { createEncryption } from '../lib/encryption.ts';
import { createCodeRunStore } from './code-runs.ts';

test.each(DATABASES)('on %s, a run is found by its caller, in its time, and taken once', async (type) => {
  await using database = await openTestDatabase(type);
  const store = createCodeRunStore(database.db, createEncryption(randomBytes(32)));
  await store.insert({ id: 'a', principal: 'ada', state: 'what it did', expires_at: 100 });
  await store.insert({ id: 'b', principal: 'ada', state: 'more', expires_at: 200 });
  expect(await store.find('a', 'ada', 99)).toBe('what it did');
  expect([await store.find('a', 'bob', 99), await store.find('a', 'ada', 100)]).toEqual([undefined, undefined]);
  expect([await store.count('ada', 99), await store.count('ada', 100), await store.count('bob', 99)]).toEqual([
    2, 1, 0,
  ]);
  const rows = JSON.stringify(await database.db.selectFrom('code_runs').selectAll().execute());
  expect(rows).not.toContain('what it did');
  await store.sweep(150);
  expect(await store.find('a', 'ada', 99)).toBeUndefined();
  expect(await Promise.all([store.take('b'), store.take('b')])).toEqual(expect.arrayContaining([true, false]));
});
