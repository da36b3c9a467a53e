import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { DATABASES, openTestDatabase } from '../../test/kit/databases.ts';
import { ApiKeyView } from '../contract/api-key.ts';
import { createAccountStore, hashApiKey } from './accounts.ts';

describe.each(DATABASES)('on %s', (type) => {
  test('a new key is shown once and kept as a hash', async () => {
    await using database = await openTestDatabase(type);
    const accounts = createAccountStore(database.db);
    const expires_at = '2099-01-01T01:00:00+01:00';
    const { apiKey, key } = await accounts.create({
      name: 'ci',
      description: 'for builds',
      scopes: ['mcp'],
      expires_at,
    });

    expect(key).toMatch(/^bfst-[0-9A-Za-z]{43}$/);
    expect(apiKey).toMatchObject({
      name: 'ci',
      key_prefix: `${key.slice(0, 13)}...`,
      description: 'for builds',
      scopes: ['mcp'],
      expires_at: '2099-01-01T00:00:00.000Z',
      last_used_at: null,
      created_by_user_id: null,
    });
    expect(ApiKeyView.strict().parse(apiKey)).toEqual(apiKey);
    expect(await accounts.find(apiKey.id)).toEqual(apiKey);
    const { rows } = await sql`select * from api_keys`.execute(database.db);
    expect(JSON.stringify(rows)).not.toContain(key.slice(13));
  });

  test('a given key is used as it is, and a short one hides in its prefix', async () => {
    await using database = await openTestDatabase(type);
    const accounts = createAccountStore(database.db);
    const { apiKey, key } = await accounts.create({ name: 'first', key: 'secret' });
    expect(key).toBe('secret');
    expect(apiKey).toMatchObject({ key_prefix: 'se...', scopes: ['read', 'write'] });
    expect(await accounts.loadActive()).toEqual([
      {
        id: apiKey.id,
        key_hash: hashApiKey('secret'),
        name: 'first',
        scopes: ['read', 'write'],
        expires_at: undefined,
      },
    ]);
  });

  test('a name or a value that is taken is a conflict', async () => {
    await using database = await openTestDatabase(type);
    const accounts = createAccountStore(database.db);
    await accounts.create({ name: 'ci', key: 'one' });
    const name = { code: 'conflict', details: { field: 'name' } };
    await expect(accounts.create({ name: 'ci' })).rejects.toMatchObject(name);
    const value = { code: 'conflict', details: { field: 'key' } };
    await expect(accounts.create({ name: 'other', key: 'one' })).rejects.toMatchObject(value);
  });

  test('keys are found by a part of their name, page by page', async () => {
    await using database = await openTestDatabase(type);
    const accounts = createAccountStore(database.db);
    for (const name of ['Build', 'rebuild', 'deploy', '100%_sure!']) await accounts.create({ name });
    const names = async (page: Parameters<typeof accounts.list>[0]) => {
      const { api_keys, total_count } = await accounts.list(page);
      return [total_count, ...api_keys.map((key) => key.name)];
    };
    expect(await names({})).toEqual([4, 'Build', 'rebuild', 'deploy', '100%_sure!']);
    expect(await names({ search: 'BUILD' })).toEqual([2, 'Build', 'rebuild']);
    expect(await names({ search: '%_SURE!' })).toEqual([1, '100%_sure!']);
    expect(await names({ search: 'b_ild' })).toEqual([0]);
    expect(await names({ limit: 1, offset: 1 })).toEqual([4, 'rebuild']);
    expect(await names({ offset: 3 })).toEqual([4, '100%_sure!']);
    expect(await accounts.count()).toBe(4);
  });

  test('an expired key is not active, a used one says when, a removed one is gone', async () => {
    await using database = await openTestDatabase(type);
    const accounts = createAccountStore(database.db);
    const { apiKey } = await accounts.create({ name: 'old', expires_at: '2020-01-01T00:00:00Z' });
    expect(await accounts.loadActive()).toEqual([]);
    await accounts.touch(apiKey.id, 1_764_000_000_000);
    expect(await accounts.find(apiKey.id)).toMatchObject({ last_used_at: '2025-11-24T16:00:00.000Z' });
    expect(await accounts.remove(apiKey.id)).toBe(true);
    expect(await accounts.remove(apiKey.id)).toBe(false);
    expect(await accounts.find(apiKey.id)).toBeUndefined();
  });
});
