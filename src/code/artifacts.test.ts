import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { DATABASES, openTestDatabase } from '../../test/kit/databases.ts';
import { createEncryption } from '../lib/encryption.ts';
import { createCodeArtifactStore } from '../store/code-artifacts.ts';
import { createArtifacts } from './artifacts.ts';

const HOUR = 3_600_000;
const ADA = 'virtual-key:ada';

describe.each(DATABASES)('on %s', (type) => {
  async function open(options: { now?: () => number; perSession?: number } = {}) {
    const database = await openTestDatabase(type);
    await database.db.deleteFrom('code_artifacts').execute();
    const store = createCodeArtifactStore(database.db, createEncryption(randomBytes(32)));
    const onError = (error: unknown): never => {
      throw error;
    };
    const artifacts = createArtifacts({ store, database, onError, ...options });
    return {
      artifacts,
      store,
      db: database.db,
      async [Symbol.asyncDispose]() {
        artifacts.stop();
        await database.close();
      },
    };
  }

  test('what a run kept is there, until it is removed', async () => {
    await using scene = await open();
    const { artifacts, db } = scene;
    expect([await artifacts.load('s'), await artifacts.has('s')]).toEqual([undefined, false]);
    await artifacts.save('s', ADA, { set: { a: '[1]', ['__proto__']: '2', 'b"': '"canary"' }, removed: [] });
    expect(await artifacts.load('s')).toBe('{"a":[1],"__proto__":2,"b\\"":"canary"}');
    const rows = JSON.stringify(await db.selectFrom('code_artifacts').selectAll().execute());
    expect(rows).not.toContain('canary');
    const { kept } = await artifacts.save('s', ADA, { set: { a: '[2]' }, removed: ['b"', '__proto__', 'unknown'] });
    expect([kept, await artifacts.load('s'), await artifacts.has('s')]).toEqual([['a'], '{"a":[2]}', true]);
    expect(await artifacts.load('t')).toBeUndefined();
    await artifacts.save('s', ADA, { set: {}, removed: ['a'] });
    expect(await db.selectFrom('code_artifacts').selectAll().execute()).toEqual([]);
  });

  test('what is too large, or no JSON, is not kept and is named', async () => {
    await using scene = await open({ perSession: 20 });
    const set = { a: '"1234"', b: '"1234567890123"', c: '1},"x":{' };
    expect(await scene.artifacts.save('s', ADA, { set, removed: [] })).toEqual({ kept: ['a'], lost: ['b', 'c'] });
    const larger = { set: { a: '"12345678901234567"' }, removed: [] };
    expect(await scene.artifacts.save('s', ADA, larger)).toEqual({ kept: ['a'], lost: [] });
  });

  test('runs of a session that end at once lose nothing of each other', async () => {
    await using scene = await open();
    const names = Array.from({ length: 8 }, (_, number) => `n${number}`);
    await Promise.all(names.map((name) => scene.artifacts.save('s', ADA, { set: { [name]: '1' }, removed: [] })));
    expect(Object.keys(JSON.parse((await scene.artifacts.load('s')) ?? '{}') as object).toSorted()).toEqual(names);
  });

  test('sessions that nobody used for an hour are forgotten, whoever reads them or not', async () => {
    let now = 0;
    await using scene = await open({ now: () => now });
    const { artifacts, store, db } = scene;
    await artifacts.save('old', ADA, { set: { a: '1' }, removed: [] });
    await artifacts.save('used', ADA, { set: { a: '1' }, removed: [] });
    now = HOUR - 1;
    await artifacts.save('used', ADA, { set: {}, removed: [] });
    expect(await artifacts.load('old')).toBe('{"a":1}');
    now = HOUR;
    expect([await artifacts.load('old'), await artifacts.load('used')]).toEqual([undefined, '{"a":1}']);
    expect((await artifacts.save('old', ADA, { set: { b: '1' }, removed: [] })).kept).toEqual(['b']);
    await store.sweep(2 * HOUR - 1);
    expect(await db.selectFrom('code_artifacts').select('id').execute()).toHaveLength(1);
  });

  test('one principal fills only so much: what it used longest ago goes, that of others stays', async () => {
    let now = 0;
    await using scene = await open({ now: () => now });
    const { artifacts, db } = scene;
    await artifacts.save('other', 'virtual-key:bob', { set: { a: '1' }, removed: [] });
    await artifacts.save('first', ADA, { set: { a: '1' }, removed: [] });
    const row = await db
      .selectFrom('code_artifacts')
      .selectAll()
      .where('principal', '=', ADA)
      .executeTakeFirstOrThrow();
    const rows = Array.from({ length: 499 }, (_, at) => ({ ...row, id: `r${at}`, expires_at: HOUR + 1 }));
    await db.insertInto('code_artifacts').values(rows).execute();
    now = 2;
    await artifacts.save('last', ADA, { set: { a: '1' }, removed: [] });
    const found = await Promise.all(['other', 'first', 'last'].map((session) => artifacts.has(session)));
    expect(found).toEqual([true, false, true]);
  });
});
