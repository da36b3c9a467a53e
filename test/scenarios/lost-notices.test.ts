import { Client } from 'pg';
import { expect, test } from 'vitest';
import { httpClient } from '../kit/gateway.ts';
import { createKey } from '../kit/keys.ts';
import { startNodes } from '../kit/nodes.ts';
import { listedTools } from '../kit/scene.ts';
import { openShared } from '../kit/shared.ts';
import { startUpstream } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';

/** What hangs in the middle of an announcement, which comes after the write. */
const TELLING = `select pid from pg_stat_activity where datname = current_database() and wait_event = 'PgSleep'`;

/** Two nodes with a key that both know, on a database that can be kept from passing on what a node announces. */
async function startScene() {
  const stack = new AsyncDisposableStack();
  const upstream = stack.use(await startUpstream());
  const place = stack.use(await openShared('postgres'));
  const { url } = (place.settings.config as { config_store: { config: { url: string } } }).config_store.config;
  const client = new Client(url);
  await client.connect();
  stack.defer(() => client.end());
  const announce = (body: string) =>
    client.query(`create or replace function public.pg_notify(text, text) returns void language plpgsql as '${body}'`);
  const restore = () => announce('begin perform pg_catalog.pg_notify($1, $2); end');
  await restore();
  // What is of this schema is found before what is built in.
  await client.query(`alter database "${new URL(url).pathname.slice(1)}" set search_path = public, pg_catalog`);
  const nodes = stack.use(await startNodes(2, place));
  const [first, second] = nodes.all;
  if (first === undefined || second === undefined) throw new Error('two nodes');
  const id = await first.createClient(httpClient(upstream.url));
  const key = await createKey(first, 'k1', { mcp_configs: [{ mcp_client_name: 'c1', tools_to_execute: ['echo'] }] });
  expect(await listedTools({ address: second.address, apiKey: key.value })).toEqual(['c1-echo']);
  const isRefused = async () => {
    const { body } = await second.execute('c1-echo', { text: 'x' }, { authorization: `Bearer ${key.value}` });
    return body['type'] === 'virtual_key_not_found';
  };
  return {
    ...{ first, second, id, restore, isRefused },
    hang: () => announce('begin perform pg_sleep(600); end'),
    fail: () => announce(`begin raise exception ''too many notifications''; end`),
    remove: () => first.api('DELETE', `/api/governance/virtual-keys/${key.id}`),
    isTelling: async () => (await client.query(TELLING)).rows.length > 0,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test('a key that is deleted while the database passes nothing on is refused by the other nodes once it does', async () => {
  await using scene = await startScene();
  await scene.fail();
  expect((await scene.remove()).status).toBe(200);
  await scene.restore();
  await waitFor(scene.isRefused, 'the other node to refuse the key');
  // And what is changed from then on is answered when all have it, as ever.
  for (let round = 0; round < 20; round += 1) {
    const tools = round % 2 === 0 ? [] : ['echo'];
    expect((await scene.first.update(scene.id, { tools_to_execute: tools })).status).toBe(200);
    expect(await listedTools(scene.second)).toEqual(tools.map((name) => `c1-${name}`));
  }
});

test('a key is refused by the other nodes also when the one that deleted it dies before it could tell', async () => {
  await using scene = await startScene();
  await scene.hang();
  const removal = scene.remove().catch(() => undefined);
  await waitFor(scene.isTelling, 'the key to be deleted, and the others to be told');
  await scene.first.kill();
  await removal;
  await scene.restore();
  await waitFor(scene.isRefused, 'the other node to refuse the key', 40_000);
});
