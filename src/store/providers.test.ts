import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { DATABASES, openTestDatabase } from '../../test/kit/databases.ts';
import { FULL_PROVIDER as full, FULL_PROVIDER_KEY as fullKey } from '../../test/kit/providers.ts';
import { createEncryption } from '../lib/encryption.ts';
import { Secret } from '../lib/secret.ts';
import { createProviderKeyStore, type StoredKey } from './provider-keys.ts';
import { createProviderStore, type ProviderRecord } from './providers.ts';

const encryption = createEncryption(randomBytes(32));
const bare: ProviderRecord = {
  ...full,
  ...{ name: 'bare', custom: undefined, created_at: 3 },
  network: { ...full.network, base_url: undefined, extra_headers: {}, ca_cert_pem: Secret.empty },
};
const bareKey: StoredKey = {
  ...fullKey,
  ...{ id: 'b', name: 'bare', created_at: 5, value: Secret.empty },
  ...{ azure: undefined, bedrock: undefined, vertex: undefined },
};

/** Secrets by their texts, which an equality of records does not look at. */
const reveal = (value: unknown): unknown => {
  if (value instanceof Secret) return value.reference || value.resolve();
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.entries(value)
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, part]) => [name, reveal(part)]);
};

describe.each(DATABASES)('on %s', (type) => {
  async function open() {
    const database = await openTestDatabase(type);
    const providers = createProviderStore(database.db, encryption);
    const keys = createProviderKeyStore(database.db, encryption);
    return { database, providers, keys, [Symbol.asyncDispose]: () => database.close() };
  }

  test('what is stored is read again, and no secret stands in the database', async () => {
    await using it = await open();
    for (const provider of [full, bare]) await it.providers.insert(provider);
    for (const key of [fullKey, bareKey]) await it.keys.insert(key);
    expect((await it.providers.list()).map(reveal)).toEqual([full, bare].map(reveal));
    expect(reveal(await it.providers.find('mine'))).toEqual(reveal(full));
    expect((await it.keys.list('mine')).map(reveal)).toEqual([fullKey, bareKey].map(reveal));
    expect(reveal(await it.keys.find('b'))).toEqual(reveal(bareKey));
    expect(await it.keys.names()).toEqual([
      { id: 'k', name: 'key', provider: 'mine' },
      { id: 'b', name: 'bare', provider: 'mine' },
    ]);
    const rows = [
      ...(await sql`select * from providers`.execute(it.database.db)).rows,
      ...(await sql`select * from provider_keys`.execute(it.database.db)).rows,
    ];
    expect(rows).toHaveLength(4);
    expect(JSON.stringify(rows)).not.toContain('canary');
    expect(JSON.stringify(rows)).toContain('env.A');
  });

  test('an update replaces everything but identity, and the keys of a provider outlive it', async () => {
    await using it = await open();
    await it.providers.insert(full);
    await it.keys.insert(fullKey);
    await it.providers.update({ ...bare, name: 'mine', created_at: 99 });
    await it.keys.update({ ...bareKey, id: 'k', provider: 'other', created_at: 99 });
    expect(reveal(await it.providers.find('mine'))).toEqual(reveal({ ...bare, name: 'mine', created_at: 1 }));
    expect((await it.keys.list()).map(reveal)).toEqual([reveal({ ...bareKey, id: 'k', created_at: 4 })]);
    await expect(it.providers.update(bare)).rejects.toMatchObject({ code: 'not_found' });
    await expect(it.keys.update(bareKey)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('names are taken once, those of keys over all providers', async () => {
    await using it = await open();
    for (const provider of [full, bare]) await it.providers.insert(provider);
    await it.keys.insert(fullKey);
    const conflict = (field: string) => ({ code: 'conflict', details: { field } });
    await expect(it.providers.insert(full)).rejects.toMatchObject(conflict('name'));
    await expect(it.keys.insert({ ...bareKey, id: 'k' })).rejects.toMatchObject(conflict('id'));
    const twin = { ...bareKey, provider: 'bare', name: 'key' };
    await expect(it.keys.insert(twin)).rejects.toMatchObject(conflict('name'));
  });

  test('a provider goes with its keys', async () => {
    await using it = await open();
    for (const provider of [full, bare]) await it.providers.insert(provider);
    await it.keys.insert(fullKey);
    await it.keys.insert({ ...bareKey, provider: 'bare' });
    expect([await it.providers.remove('mine'), await it.providers.remove('mine')]).toEqual([true, false]);
    expect((await it.keys.list()).map(({ id }) => id)).toEqual(['b']);
    expect([await it.keys.remove('b'), await it.keys.remove('b')]).toEqual([true, false]);
  });
});
