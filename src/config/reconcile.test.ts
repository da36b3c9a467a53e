import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { exampleClient } from '../../test/kit/clients.ts';
import { DATABASES, openTestDatabase } from '../../test/kit/databases.ts';
import type { McpClientCreate } from '../contract/mcp-client.ts';
import { createEncryption } from '../lib/encryption.ts';
import { GatewayError } from '../lib/errors.ts';
import { Secret } from '../lib/secret.ts';
import { createMcpClientStore, type McpClient } from '../store/mcp-clients.ts';
import { createSettingsStore } from '../store/settings.ts';
import { hashEntry, reconcileClients, reconcileSettings } from './reconcile.ts';

const encryption = createEncryption(randomBytes(32));
let created = 0;

/** As much of the rules of a client record as these tests need. */
function fromCreate(entry: McpClientCreate): McpClient {
  if (entry.connection_string === '') throw new GatewayError('invalid_request', 'connection_string must not be empty');
  created += 1;
  return exampleClient({
    client_id: entry.client_id ?? `made-${created}`,
    name: entry.name,
    connection_string: Secret.parse(entry.connection_string ?? ''),
    tools_to_execute: entry.tools_to_execute ?? [],
    created_at: created,
    updated_at: created,
  });
}

function createLog() {
  const lines: string[] = [];
  const write = (level: string) => (message: string) => void lines.push(`${level} ${message}`);
  return { lines, info: write('info'), error: write('error') };
}

const entry = (name: string, more: Partial<McpClientCreate> = {}): McpClientCreate => ({
  name,
  connection_type: 'http',
  connection_string: 'https://one.example/mcp',
  ...more,
});

describe.each(DATABASES)('on %s', (type) => {
  async function setup() {
    const database = await openTestDatabase(type);
    const store = createMcpClientStore(database.db, encryption);
    const log = createLog();
    const reconcile = (entries: McpClientCreate[] | undefined, isFileTheTruth = false) =>
      reconcileClients({
        entries,
        isFileTheTruth,
        store,
        commit: (_change, write) => write(store).then(() => {}),
        fromCreate,
        log,
      });
    return { store, log, reconcile, [Symbol.asyncDispose]: () => database.close() };
  }

  test('an entry is inserted, then kept with what the API changed, then replaced when it changes', async () => {
    await using it = await setup();
    expect(await it.reconcile([entry('a')])).toEqual([{ name: 'a', outcome: 'inserted' }]);
    const inserted = (await it.store.list())[0];
    if (inserted === undefined) throw new Error('nothing was inserted');

    await it.store.update({ ...inserted, tools_to_execute: ['by-api'], oauth_config_id: 'signed-in' });
    expect(await it.reconcile([entry('a')])).toEqual([{ name: 'a', outcome: 'kept' }]);
    expect((await it.store.list())[0]?.tools_to_execute).toEqual(['by-api']);

    const changed = entry('a', { tools_to_execute: ['by-file'] });
    expect(await it.reconcile([changed])).toEqual([{ name: 'a', outcome: 'updated' }]);
    expect(await it.reconcile([changed])).toEqual([{ name: 'a', outcome: 'kept' }]);
    expect(await it.store.list()).toMatchObject([
      {
        client_id: inserted.client_id,
        created_at: inserted.created_at,
        tools_to_execute: ['by-file'],
        oauth_config_id: 'signed-in',
      },
    ]);
    expect(it.log.lines).toEqual([
      'info MCP client "a" of config.json: inserted',
      'info MCP client "a" of config.json: kept',
      'info MCP client "a" of config.json: updated',
      'info MCP client "a" of config.json: kept',
    ]);
  });

  test('an entry with an id may rename its row', async () => {
    await using it = await setup();
    await it.reconcile([entry('old', { client_id: 'x' })]);
    expect(await it.reconcile([entry('new', { client_id: 'x' })])).toEqual([{ name: 'new', outcome: 'updated' }]);
    expect(await it.store.list()).toMatchObject([{ client_id: 'x', name: 'new' }]);
  });

  test('what only the database has stays, unless the file is the truth', async () => {
    await using it = await setup();
    await it.store.insert(exampleClient());
    await it.reconcile([entry('a')]);
    expect((await it.store.list()).map(({ name }) => name).toSorted()).toEqual(['a', 'wiki']);
    expect(await it.reconcile(undefined, true)).toEqual([]);
    expect(await it.reconcile([entry('a')], true)).toEqual([
      { name: 'a', outcome: 'kept' },
      { name: 'wiki', outcome: 'pruned' },
    ]);
    expect(await it.reconcile([], true)).toEqual([{ name: 'a', outcome: 'pruned' }]);
    expect(await it.store.list()).toEqual([]);
  });

  test('a broken entry is refused alone, and does not cost its row', async () => {
    await using it = await setup();
    await it.reconcile([entry('a'), entry('b')]);
    const results = await it.reconcile(
      [entry('a', { connection_string: '' }), entry('b'), entry('b', { tools_to_execute: ['*'] }), entry('c')],
      true,
    );
    expect(results.map(({ outcome }) => outcome)).toEqual(['refused', 'kept', 'refused', 'inserted']);
    expect((await it.store.list()).map(({ name }) => name)).toEqual(['a', 'b', 'c']);
    expect(it.log.lines.filter((line) => line.startsWith('error'))).toEqual([
      'error MCP client "a" of config.json: refused, connection_string must not be empty',
      'error MCP client "b" of config.json: refused, an earlier entry names the same client',
    ]);
  });

  test('two processes that start from the same file insert it once', async () => {
    await using it = await setup();
    await Promise.all([it.reconcile([entry('a')]), it.reconcile([entry('a')])]);
    expect(await it.store.list()).toHaveLength(1);
    expect(it.log.lines.toSorted()).toEqual([
      'info MCP client "a" of config.json: inserted',
      'info MCP client "a" of config.json: kept',
    ]);
  });

  test('settings follow the same rule', async () => {
    await using database = await openTestDatabase(type);
    const store = createSettingsStore(database.db);
    const log = createLog();
    const reconcile = (settings: { mcp_agent_depth: number } | undefined) =>
      reconcileSettings({ settings, store, commit: (write) => write(store), log });
    await reconcile({ mcp_agent_depth: 3 });
    await store.saveClientSettings({ mcp_agent_depth: 5 });
    await reconcile({ mcp_agent_depth: 3 });
    expect((await store.loadClientSettings()).mcp_agent_depth).toBe(5);
    await reconcile({ mcp_agent_depth: 4 });
    expect((await store.loadClientSettings()).mcp_agent_depth).toBe(4);
    await reconcile(undefined);
    expect(log.lines.map((line) => line.split(': ')[1])).toEqual(['inserted', 'kept', 'updated']);
  });
});

test('the hash of an entry is blind to order, absence by null, unknown keys and the id, and to nothing else', () => {
  const base = hashEntry(entry('a', { tools_to_execute: ['x', 'y'], tool_pricing: { x: 1, y: 2 } }));
  const { name, ...rest } = entry('a', { tool_pricing: { y: 2, x: 1 }, tools_to_execute: ['x', 'y'] });
  expect(hashEntry({ ...rest, client_id: 'z', disabled: null, comment: 'hi', name })).toBe(base);
  expect(hashEntry({ ...rest, name, tools_to_execute: ['y', 'x'] })).not.toBe(base);
  expect(hashEntry({ ...rest, name, disabled: false })).not.toBe(base);
});
