import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { DATABASES, openTestDatabase } from '../../test/kit/databases.ts';
import { createEncryption } from '../lib/encryption.ts';
import { createKeptResultStore, type KeptResult } from './kept-results.ts';

const NOW = 1_764_000_000_000;

function kept(id: string, changes: Partial<KeptResult> = {}): KeptResult {
  const times = { created_at: NOW, expires_at: NOW + 60_000 };
  return {
    id,
    principal: 'virtual-key:ada',
    tool: 'c1-echo',
    text: `canary of ${id} 💡`,
    whole: undefined,
    ...times,
    ...changes,
  };
}

describe.each(DATABASES)('on %s', (type) => {
  async function open() {
    const database = await openTestDatabase(type);
    const store = createKeptResultStore(database.db, createEncryption(randomBytes(32)));
    return { db: database.db, store, [Symbol.asyncDispose]: () => database.close() };
  }

  test('what is read is what was kept, by its owner, in time; nobody sees it in the database', async () => {
    await using scene = await open();
    const { store, db } = scene;
    const one = kept('1', { whole: '{"content":[]}' });
    await store.insert(one);
    expect(await store.find('1', one.principal, NOW)).toEqual(one);
    expect(await store.find('1', 'virtual-key:bob', NOW)).toBeUndefined();
    expect(await store.find('1', one.principal, one.expires_at)).toBeUndefined();
    expect(JSON.stringify(await db.selectFrom('kept_results').selectAll().execute())).not.toContain('canary');
    await store.sweep(one.expires_at - 1);
    expect(await db.selectFrom('kept_results').select('id').execute()).toHaveLength(1);
    await store.sweep(one.expires_at);
    expect(await db.selectFrom('kept_results').select('id').execute()).toEqual([]);
  });

  test('one principal fills only so much: its oldest go, those of others stay', async () => {
    await using scene = await open();
    const { store, db } = scene;
    await store.insert(kept('other', { principal: 'virtual-key:bob', created_at: NOW - 1 }));
    await store.insert(kept('first'));
    const row = await db.selectFrom('kept_results').selectAll().where('id', '=', 'first').executeTakeFirstOrThrow();
    const rows = Array.from({ length: 499 }, (_, at) => ({ ...row, id: `r${at}`, created_at: NOW + 1 + at }));
    await db.insertInto('kept_results').values(rows).execute();
    await store.insert(kept('last', { created_at: NOW + 1_000 }));
    expect(await store.find('first', row.principal, NOW)).toBeUndefined();
    expect(await store.find('last', row.principal, NOW)).toBeDefined();
    expect(await store.find('other', 'virtual-key:bob', NOW)).toBeDefined();
  });
});
