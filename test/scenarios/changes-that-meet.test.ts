import { Client } from 'pg';
import { expect, test } from 'vitest';
import { httpClient, messageIn, randomApiKey, startGateway, type GatewayAccess } from '../kit/gateway.ts';
import { createKey, updateKey } from '../kit/keys.ts';
import { listedTools } from '../kit/scene.ts';
import { openShared } from '../kit/shared.ts';
import { startUpstream } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';

/** Of this database: the server has those of other tests, too. */
const WAITING = `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`;

/** A gateway on PostgreSQL, and the way to keep it, or the start of a second one, waiting. */
async function startFirst() {
  const stack = new AsyncDisposableStack();
  const { settings, options } = stack.use(await openShared('postgres'));
  const apiKey = randomApiKey();
  const first = stack.use(await startGateway({ ...options(), apiKey }));
  const { url } = (settings.config as { config_store: { config: { url: string } } }).config_store.config;

  async function connect(): Promise<Client> {
    const client = new Client(url);
    await client.connect();
    stack.defer(() => client.end());
    return client;
  }

  /** Begins a transaction with this statement. */
  async function lock(statement: string) {
    const client = await connect();
    await client.query(`begin; ${statement}`);
    return { commit: (last = '') => client.query(`${last}; commit`) };
  }

  const watcher = await connect();
  /** Returns when so many wait for a lock. */
  const waiting = (count: number) =>
    waitFor(async () => {
      const locks = await watcher.query(WAITING);
      return locks.rows.length >= count;
    }, `${count} to wait for a lock`);

  /** Starts the second one; it gets on with this table when `meanwhile` is done. */
  async function startSecond(table: string, meanwhile: () => Promise<unknown>): Promise<GatewayAccess> {
    const { commit } = await lock(`lock table ${table} in access exclusive mode`);
    const starting = startGateway({ ...options(), apiKey });
    await waiting(1);
    await meanwhile();
    await commit();
    return stack.use(await starting);
  }

  return { first, lock, waiting, startSecond, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

test('a node that starts has the settings that another one changes meanwhile', async () => {
  await using scene = await startFirst();
  const { first, startSecond } = scene;
  const second = await startSecond('teams', () =>
    first.api('PUT', '/api/config', { client_config: { required_headers: ['x-team'] } }),
  );
  for (const node of [first, second])
    expect((await node.execute('c1-echo', { text: 'x' })).body['type']).toBe('missing_required_headers');
});

test('a node that starts knows of a grant that another one takes away meanwhile', async () => {
  await using upstream = await startUpstream();
  await using scene = await startFirst();
  const { first, startSecond } = scene;
  await first.createClient(httpClient(upstream.url));
  const key = await createKey(first, 'k1', { mcp_configs: [{ mcp_client_name: 'c1', tools_to_execute: ['echo'] }] });
  expect(await listedTools(key)).toEqual(['c1-echo']);
  const second = await startSecond('mcp_clients', () => updateKey(first, key, { mcp_configs: [] }));
  for (const { address } of [first, second]) expect(await listedTools({ address, apiKey: key.value })).toEqual([]);
});

test('a client that another node removes just after it was changed here leaves no connection behind', async () => {
  await using upstream = await startUpstream();
  await using scene = await startFirst();
  const { first, lock, waiting } = scene;
  const id = await first.createClient(httpClient(upstream.url));
  const audit = await lock("select 1 from settings where key = 'audit.head' for update");
  const update = first.update(id, { auth_type: 'headers', headers: { 'x-new': '1' } });
  await waiting(1);
  // Comes behind the update, which has the row, and before the first look at what was stored.
  const removal = lock('lock table mcp_clients in access exclusive mode');
  await waiting(2);
  await audit.commit();
  await (await removal).commit(`delete from mcp_clients where client_id = '${id}'`);
  expect((await update).status).toBe(404);
  await waitFor(() => upstream.sessionCount === 0, 'both connections to end');
});

test('a grant to a key that another node deletes at that moment is refused as such', async () => {
  await using upstream = await startUpstream();
  await using scene = await startFirst();
  const { first, lock, waiting } = scene;
  const id = await first.createClient(httpClient(upstream.url));
  const key = await createKey(first, 'k1', {});
  const deletion = await lock(`delete from virtual_keys where id = '${key.id}'`);
  const update = first.update(id, { vk_configs: [{ virtual_key_id: key.id, tools_to_execute: ['*'] }] });
  await waiting(1);
  await deletion.commit();
  const refused = await update;
  expect(refused.status).toBe(409);
  expect(messageIn(refused)).toContain('deleted');
  expect((await first.getClient(id)).vk_configs).toEqual([]);
});
