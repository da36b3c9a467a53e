import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { exampleClient } from '../../test/kit/clients.ts';
import { DATABASES, openTestDatabase, type TestDatabase } from '../../test/kit/databases.ts';
import { FULL_PROVIDER, FULL_PROVIDER_KEY } from '../../test/kit/providers.ts';
import { temporaryFolder } from '../../test/kit/temporary-folder.ts';
import { createEncryption, LASTING_PURPOSES, type Encryption } from '../lib/encryption.ts';
import { Secret } from '../lib/secret.ts';
import { createAuditStore } from './audit.ts';
import { ENCRYPTED_COLUMNS } from './encrypted-columns.ts';
import { createNextKey, lastingKeyRow, openEncryption } from './encryption-key.ts';
import { guardWrites } from './guard-writes.ts';
import { createMcpClientStore } from './mcp-clients.ts';
import { createProviderKeyStore } from './provider-keys.ts';
import { createProviderStore } from './providers.ts';
import { reencrypt } from './reencrypt.ts';
import { createSettingsStore } from './settings.ts';

const secret = (text: string) => Secret.literal(text);
const client = exampleClient({
  connection_string: secret('https://user:canary@wiki.example/mcp'),
  stdio_config: {
    command: 'npx',
    args: ['v1:not-one-of-ours'],
    envs: [
      { name: 'HOME', value: undefined },
      { name: 'TOKEN', value: secret('canary env') },
      { name: 'TOKEN', value: secret('given twice') },
      { name: 'REF', value: Secret.parse('env.OTHER') },
    ],
  },
  headers: { Authorization: secret('canary header'), ['__proto__']: secret('odd'), 'X-File': Secret.parse('file.a') },
  token_exchange: {
    ...{ use_idp_credentials: false, authorization_server_url: 'https://idp.example', token_url: '', jwks_url: '' },
    ...{ client_id: secret('canary id'), client_secret: secret('canary exchange'), token_endpoint_auth_method: '' },
    ...{ audience: '', resource: '', scopes: [], subject_token_type: '', requested_token_type: '' },
    ...{ subject_token_header: '', subject_audience: '' },
  },
  tls_config: {
    insecure_skip_verify: true,
    ca_cert_pem: secret('canary ca'),
    client_cert_pem: Secret.empty,
    client_key_pem: secret('canary key'),
  },
});
const texts = (value: unknown): unknown =>
  JSON.parse(JSON.stringify(value, (_, part: unknown) => (part instanceof Secret ? undefined : part)));

/** A database with something in every encrypted column but that of virtual keys. */
async function fill(database: TestDatabase, appDir: string, passphrase?: string) {
  const settings = createSettingsStore(database.db);
  const source = { settings, appDir, passphrase };
  const from = await openEncryption(source);
  await createMcpClientStore(database.db, from).insert(client);
  const audit = createAuditStore(database.db, from.deriveKey('audit'));
  const entry = {
    actor: 'a',
    actor_name: 'a',
    action: 'update',
    entity: 'settings',
    entity_id: 'x',
    entity_name: 'x',
  } as const;
  const append = (store = audit) =>
    database.transaction((tx) => store.with(tx).append({ ...entry, before: null, after: null, request: undefined }));
  await append();
  return { settings, source, from, append };
}

describe.each(DATABASES)('on %s', (type) => {
  test('everything can be read with the new key, and nothing with the former one', async () => {
    await using database = await openTestDatabase(type);
    await using folder = await temporaryFolder();
    const { source, from, append } = await fill(database, folder.path, 'the former passphrase');
    const dump = async () =>
      JSON.stringify(
        await Promise.all([
          database.db.selectFrom('mcp_clients').selectAll().execute(),
          database.db.selectFrom('settings').selectAll().execute(),
        ]),
      );
    const encrypted = (text: string): readonly string[] => text.match(/v1:[\w+/]{38,}={0,2}/g) ?? [];
    const before = encrypted(await dump());

    const next = await createNextKey(folder.path, 'the next passphrase');
    const count = await reencrypt({ database, from, to: next.encryption, seal: next.seal, record: async () => {} });
    expect(count).toBe(9 + LASTING_PURPOSES.length);
    const after = encrypted(await dump());
    expect(after).toHaveLength(before.length);
    expect(after.filter((text) => before.includes(text))).toEqual([]);

    await expect(openEncryption(source)).rejects.toThrow('is not the one this database was encrypted with');
    const opened = await openEncryption({ ...source, passphrase: 'the next passphrase' });
    const found = await createMcpClientStore(database.db, opened).find(client.client_id);
    const reveal = (value: typeof found) => [
      texts(value),
      value?.connection_string.resolve(),
      value?.stdio_config?.envs.map((env) => env.value?.reference || env.value?.resolve()),
      Object.entries(value?.headers ?? {}).map(([name, each]) => [name, each.reference || each.resolve()]),
      [value?.tls_config?.ca_cert_pem.resolve(), value?.tls_config?.client_key_pem.resolve()],
      [value?.token_exchange?.client_id.resolve(), value?.token_exchange?.client_secret.resolve()],
    ];
    expect(reveal(found)).toEqual(reveal(client));
    // What clients hold of us, and the chain of audit logs, go on.
    for (const purpose of LASTING_PURPOSES) expect(opened.deriveKey(purpose)).toEqual(from.deriveKey(purpose));
    expect(opened.deriveKey('ws-ticket')).not.toEqual(from.deriveKey('ws-ticket'));
    const audit = createAuditStore(database.db, opened.deriveKey('audit'));
    await append(audit);
    expect(await audit.verify()).toMatchObject({ is_intact: true, entries: 2 });
  });

  test('the secrets of providers and their keys can be read with the new key', async () => {
    await using database = await openTestDatabase(type);
    await using folder = await temporaryFolder();
    const { from, source } = await fill(database, folder.path);
    await createProviderStore(database.db, from).insert(FULL_PROVIDER);
    await createProviderKeyStore(database.db, from).insert(FULL_PROVIDER_KEY);
    const next = await createNextKey(folder.path, 'the next passphrase');
    await reencrypt({ database, from, to: next.encryption, seal: next.seal, record: async () => {} });

    const opened = await openEncryption({ ...source, passphrase: 'the next passphrase' });
    const provider = await createProviderStore(database.db, opened).find(FULL_PROVIDER.name);
    const key = await createProviderKeyStore(database.db, opened).find(FULL_PROVIDER_KEY.id);
    const { extra_headers, ca_cert_pem } = FULL_PROVIDER.network;
    expect(provider?.network.ca_cert_pem.resolve()).toBe(ca_cert_pem.resolve());
    expect(provider?.network.extra_headers['X-A']?.resolve()).toBe(extra_headers['X-A']?.resolve());
    expect(key?.value.resolve()).toBe(FULL_PROVIDER_KEY.value.resolve());
    expect(key?.bedrock?.secret_key.resolve()).toBe(FULL_PROVIDER_KEY.bedrock?.secret_key.resolve());
    expect(key?.azure?.api_version).toBe(FULL_PROVIDER_KEY.azure?.api_version);
  });

  test('a value that cannot be read stops the rotation before anything is changed', async () => {
    await using database = await openTestDatabase(type);
    await using folder = await temporaryFolder();
    const { from, source } = await fill(database, folder.path);
    const foreign = createEncryption(randomBytes(32)).encrypt('x', 'mcp_clients:connection_string:other');
    await database.db.updateTable('mcp_clients').set({ connection_string: foreign }).execute();
    const next = await createNextKey(folder.path, undefined);
    const rotating = reencrypt({ database, from, to: next.encryption, seal: next.seal, record: async () => {} });
    await expect(rotating).rejects.toThrow(/mcp_clients:connection_string:\S+ cannot be decrypted/);
    await openEncryption(source);
  });

  test('an encrypted value in a column that is not listed stops it, too', async () => {
    await using database = await openTestDatabase(type);
    await using folder = await temporaryFolder();
    const { from, source, settings } = await fill(database, folder.path);
    const next = await createNextKey(folder.path, undefined);
    const rotate = () => reencrypt({ database, from, to: next.encryption, seal: next.seal, record: async () => {} });
    await settings.put('some.key', { kid: 'a', key: from.encrypt('x', 'settings:some.key:a') });
    await expect(rotate()).rejects.toThrow(
      'settings.value holds encrypted values that this version cannot encrypt anew',
    );
    await database.db.deleteFrom('settings').where('key', '=', 'some.key').execute();
    await database.db
      .updateTable('mcp_clients')
      .set({ name: from.encrypt('x', 'mcp_clients:name:x') })
      .execute();
    await expect(rotate()).rejects.toThrow('mcp_clients.name holds encrypted values');
    await openEncryption(source);
  });

  test('a failure at the end undoes all of it', async () => {
    await using database = await openTestDatabase(type);
    await using folder = await temporaryFolder();
    const { from, source } = await fill(database, folder.path);
    const next = await createNextKey(folder.path, undefined);
    const record = () => Promise.reject(new Error('no audit, no change'));
    const rotating = reencrypt({ database, from, to: next.encryption, seal: next.seal, record });
    await expect(rotating).rejects.toThrow('no audit');
    const again = await openEncryption(source);
    expect((await createMcpClientStore(database.db, again).list())[0]?.connection_string.resolve()).toContain('canary');
  });

  test('who still has the former key can neither write nor rotate', async () => {
    await using database = await openTestDatabase(type);
    await using folder = await temporaryFolder();
    const { from } = await fill(database, folder.path);
    const guarded = guardWrites(database, from);
    await guarded.transaction((tx) => createMcpClientStore(tx, from).remove('nothing'));
    const next = await createNextKey(folder.path, undefined);
    const rotate = () => reencrypt({ database, from, to: next.encryption, seal: next.seal, record: async () => {} });
    await rotate();
    const write = guarded.transaction((tx) => createMcpClientStore(tx, from).remove(client.client_id));
    await expect(write).rejects.toMatchObject({ code: 'encryption_key_changed' });
    await expect(rotate()).rejects.toMatchObject({ code: 'encryption_key_changed' });
    expect(await database.db.selectFrom('mcp_clients').select('client_id').execute()).toHaveLength(1);
  });

  test('a key file is replaced, also after a rotation that was cut off before that', async () => {
    await using database = await openTestDatabase(type);
    await using folder = await temporaryFolder();
    const source = { settings: createSettingsStore(database.db), appDir: folder.path };
    const from = await openEncryption(source);
    const first = readFileSync(join(folder.path, 'encryption.key'), 'utf8');
    const next = await createNextKey(folder.path, undefined);
    // Cut off before the commit: the former key still fits, and the next one is in nobody's way.
    await openEncryption(source);
    await reencrypt({ database, from, to: next.encryption, seal: next.seal, record: async () => {} });
    // Cut off after the commit: the next start finds the right one and puts it in its place.
    expect((await openEncryption(source)).deriveKey('audit')).toEqual(from.deriveKey('audit'));
    expect(readdirSync(folder.path).toSorted()).toEqual(['encryption.key', 'encryption.key.old']);
    expect(readFileSync(join(folder.path, 'encryption.key'), 'utf8')).not.toBe(first);
    expect(readFileSync(join(folder.path, 'encryption.key.old'), 'utf8')).toBe(first);
  });

  test('a database from before there were lasting keys goes on with those it derived', async () => {
    await using database = await openTestDatabase(type);
    const settings = createSettingsStore(database.db);
    await using folder = await temporaryFolder();
    const source = { settings, appDir: folder.path };
    await openEncryption(source);
    for (const purpose of LASTING_PURPOSES) {
      await database.db.deleteFrom('settings').where('key', '=', lastingKeyRow(purpose).name).execute();
    }
    const opened = await openEncryption(source);
    const check = createAuditStore(database.db, opened.deriveKey('audit'));
    expect(await check.verify()).toMatchObject({ is_intact: true });
    expect((await openEncryption(source)).deriveKey('audit')).toEqual(opened.deriveKey('audit'));
  });
});

describe('the list of encrypted columns', () => {
  const folder = import.meta.dirname;
  const sources = readdirSync(folder, { recursive: true })
    .map(String)
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
    .map((file) => readFileSync(join(folder, file), 'utf8'));

  test('names every table whose store encrypts', () => {
    const calls = sources.flatMap((source) => [
      ...source.matchAll(/secretColumns\(\s*\w+,\s*'(\w+)'/g),
      ...source.matchAll(/\bencrypt\([^;]*?`(\w+):/g),
    ]);
    const tables = new Set(calls.map(([, table]) => table));
    expect(tables.size).toBeGreaterThan(1);
    expect([...tables].filter((table) => !ENCRYPTED_COLUMNS.some((listed) => listed.table === table))).toEqual([]);
  });

  test('leads to every value that the store of servers encrypts', async () => {
    await using database = await openTestDatabase('sqlite');
    const places: string[] = [];
    const inner = createEncryption(randomBytes(32));
    const recording: Encryption = {
      ...inner,
      encrypt(text, place) {
        places.push(place);
        return inner.encrypt(text, place);
      },
    };
    await createMcpClientStore(database.db, recording).insert(client);
    const [row] = await database.db.selectFrom('mcp_clients').selectAll().execute();
    const visited: string[] = [];
    for (const { table, column, map } of ENCRYPTED_COLUMNS) {
      if (table !== 'mcp_clients') continue;
      const text = (row as unknown as Record<string, string>)[column] ?? '';
      map(text, row as unknown as Record<string, string>, (value, place) => {
        if (value.startsWith('v1:')) visited.push(place);
        return value;
      });
    }
    expect(visited.toSorted()).toEqual(places.toSorted());
  });
});
