import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { exampleClient } from '../../test/kit/clients.ts';
import { DATABASES, openTestDatabase } from '../../test/kit/databases.ts';
import { createEncryption } from '../lib/encryption.ts';
import { Secret } from '../lib/secret.ts';
import { createMcpClientStore, type McpClient, type Known, type Listed } from './mcp-clients.ts';

const encryption = createEncryption(randomBytes(32));
const CANARY = 'canary-in-the-coal-mine';

/** Every field filled with something that is not its default. */
const full = exampleClient({
  connection_string: Secret.parse(`https://${CANARY}@wiki.example/mcp`),
  stdio_config: {
    command: 'npx',
    args: ['-y', 'it'],
    envs: [
      { name: 'HOME', value: undefined },
      { name: 'EMPTY', value: Secret.parse('') },
      { name: 'TOKEN', value: Secret.parse(CANARY) },
      { name: 'OTHER', value: Secret.parse('env.OTHER_TOKEN') },
    ],
  },
  auth_type: 'headers',
  oauth_config_id: 'oauth-1',
  headers: {
    Authorization: Secret.parse(`Bearer ${CANARY}`),
    'X-Ref': Secret.parse('env.WIKI_TOKEN'),
    ['__proto__']: Secret.parse('odd but allowed'),
  },
  tools_to_execute: ['read', 'write'],
  tools_to_auto_execute: ['read'],
  tools_to_approve: ['write'],
  approval_by: 'caller',
  tool_pricing: { read: 0.000_1, print: { base: 0.01, per_argument: { pages: 0.002 }, per_result_kb: 0.001 } },
  is_code_mode_client: true,
  allow_on_all_virtual_keys: true,
  per_user_header_keys: ['X-User'],
  disabled: true,
  tls_config: {
    insecure_skip_verify: true,
    ca_cert_pem: Secret.parse(`-----BEGIN ${CANARY}`),
    client_cert_pem: Secret.empty,
    client_key_pem: Secret.parse(CANARY),
  },
  is_ping_available: false,
  tool_sync_interval: -1,
  tool_execution_timeout: 9_000_000_000,
  allowed_extra_headers: ['X-Trace'],
  config_hash: 'abc',
});

/** Secrets compare by their text, which their JSON does not show. */
function reveal(client: McpClient | undefined): unknown {
  const texts = (value: unknown): unknown => {
    if (value instanceof Secret) return `${value.reference}|${value.resolve()}`;
    if (Array.isArray(value)) return value.map(texts);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, texts(part)]));
  };
  return texts(client);
}

function known(tools: Listed[]): Known {
  return { offer: { tools, prompts: [], resources: [], resourceTemplates: [] }, era: 'legacy', found_at: 7 };
}

describe.each(DATABASES)('on %s', (type) => {
  test('a client comes back as it went in, frozen through and through', async () => {
    await using database = await openTestDatabase(type);
    const store = createMcpClientStore(database.db, encryption);
    const plain = exampleClient({ client_id: 'b', name: 'b' });
    await store.insert(full);
    await store.insert(plain);

    const found = await store.find(full.client_id);
    expect(reveal(found)).toEqual(reveal(full));
    expect(reveal(await store.find('b'))).toEqual(reveal(plain));
    expect(await store.find('nobody')).toBeUndefined();
    for (const part of [found, found?.headers, found?.stdio_config?.envs[0], found?.tools_to_execute]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  test('no secret can be read from the rows, while references can', async () => {
    await using database = await openTestDatabase(type);
    await createMcpClientStore(database.db, encryption).insert(full);
    const { rows } = await sql`select * from mcp_clients`.execute(database.db);
    const text = JSON.stringify(rows);
    expect(text).not.toContain(CANARY);
    expect(text).toContain('env.WIKI_TOKEN');
    expect(text).toContain('env.OTHER_TOKEN');
  });

  test('a secret that is copied to another row cannot be read there', async () => {
    await using database = await openTestDatabase(type);
    const store = createMcpClientStore(database.db, encryption);
    await store.insert(full);
    await store.insert(exampleClient({ client_id: 'thief', name: 'thief' }));
    await sql`update mcp_clients set headers = (select headers from mcp_clients where client_id = ${full.client_id})
      where client_id = 'thief'`.execute(database.db);
    await expect(store.find('thief')).rejects.toThrow('mcp_clients:headers.Authorization:thief cannot be decrypted');
  });

  test('the list is in the order of registration', async () => {
    await using database = await openTestDatabase(type);
    const store = createMcpClientStore(database.db, encryption);
    await store.insert(exampleClient({ client_id: 'c', name: 'a', created_at: 2 }));
    await store.insert(exampleClient({ client_id: 'b', name: 'b', created_at: 1 }));
    await store.insert(exampleClient({ client_id: 'a', name: 'c', created_at: 2 }));
    expect((await store.list()).map((client) => client.client_id)).toEqual(['b', 'a', 'c']);
  });

  test('a name or an id that is taken is a conflict that names the field', async () => {
    await using database = await openTestDatabase(type);
    const store = createMcpClientStore(database.db, encryption);
    await store.insert(exampleClient());
    await store.insert(exampleClient({ client_id: 'b', name: 'b' }));
    const message = 'An MCP client with the name "wiki" already exists';
    const taken = { code: 'conflict', message, details: { field: 'name' } };
    await expect(store.insert(exampleClient({ client_id: 'c' }))).rejects.toMatchObject(taken);
    await expect(store.update(exampleClient({ client_id: 'b' }))).rejects.toMatchObject(taken);
    await expect(store.insert(exampleClient({ name: 'c' }))).rejects.toMatchObject({
      code: 'conflict',
      details: { field: 'client_id' },
    });
  });

  test('an update replaces everything but the id, the creation time and what is known of the server', async () => {
    await using database = await openTestDatabase(type);
    const store = createMcpClientStore(database.db, encryption);
    await store.insert(exampleClient());
    await store.saveKnown('wiki-id', known([{ name: 'read', json: '{}' }]));
    await store.update({ ...full, name: 'renamed', created_at: 5, updated_at: 6 });
    const expected = { ...full, name: 'renamed', created_at: exampleClient().created_at, updated_at: 6 };
    expect(reveal(await store.find('wiki-id'))).toEqual(reveal(expected));
    expect((await store.loadKnown()).size).toBe(1);
    const unknown = store.update(exampleClient({ client_id: 'nobody', name: 'nobody' }));
    await expect(unknown).rejects.toMatchObject({ code: 'mcp_client_not_found' });
  });

  test('tools are kept to the byte, and an empty list is not the same as none', async () => {
    await using database = await openTestDatabase(type);
    const store = createMcpClientStore(database.db, encryption);
    for (const name of ['a', 'b', 'c']) await store.insert(exampleClient({ client_id: name, name }));
    const tools = [{ name: 'read', json: '{ "name":"read",\n "n": 1.0, "e": "\\u0000\\ud800 ü" }' }];
    await store.saveKnown('a', known(tools));
    await store.saveKnown('b', known([]));
    expect(await store.loadKnown()).toEqual(
      new Map([
        ['a', known(tools)],
        ['b', known([])],
      ]),
    );
  });

  test('removing says whether there was something to remove, and a transaction can undo it', async () => {
    await using database = await openTestDatabase(type);
    const store = createMcpClientStore(database.db, encryption);
    await store.insert(exampleClient());
    const undone = database.transaction(async (tx) => {
      expect(await store.with(tx).remove('wiki-id')).toBe(true);
      throw new Error('undo');
    });
    await expect(undone).rejects.toThrow('undo');
    expect(await store.remove('wiki-id')).toBe(true);
    expect(await store.remove('wiki-id')).toBe(false);
  });
});
