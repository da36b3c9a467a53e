import { Client } from 'pg';
import { expect, test } from 'vitest';
import { httpClient, randomApiKey, startGateway, type GatewayAccess } from '../kit/gateway.ts';
import { createKey, updateKey } from '../kit/keys.ts';
import { listedTools } from '../kit/scene.ts';
import { openShared } from '../kit/shared.ts';
import { startUpstream } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';

/** A gateway on PostgreSQL, and the way to keep the start of a second one waiting where it reads a table. */
async function startFirst() {
  const stack = new AsyncDisposableStack();
  const { settings, options } = stack.use(await openShared('postgres'));
  const apiKey = randomApiKey();
  const first = stack.use(await startGateway({ ...options(), apiKey }));
  const { url } = (settings.config as { config_store: { config: { url: string } } }).config_store.config;
  const client = new Client(url);
  await client.connect();
  stack.defer(() => client.end());

  /** Starts the second one; it gets on with this table when `meanwhile` is done. */
  async function startSecond(table: string, meanwhile: () => Promise<unknown>): Promise<GatewayAccess> {
    await client.query(`begin; lock table ${table} in access exclusive mode`);
    const starting = startGateway({ ...options(), apiKey });
    await waitFor(async () => {
      const { rowCount } = await client.query('select 1 from pg_locks where not granted');
      return (rowCount ?? 0) > 0;
    }, 'the second gateway to come to the table');
    await meanwhile();
    await client.query('commit');
    return stack.use(await starting);
  }

  return { first, startSecond, [Symbol.asyncDispose]: () => stack.disposeAsync() };
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
