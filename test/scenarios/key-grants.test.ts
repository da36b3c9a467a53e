import { describe, expect, test } from 'vitest';
import { DATABASES } from '../kit/databases.ts';
import { httpClient } from '../kit/gateway.ts';
import { createKey, freshDatabase, getKey, updateKey, type TestKey } from '../kit/keys.ts';
import { callText, expectDone, expectRefused, listedTools, startScene, type Scene } from '../kit/scene.ts';
import { startUpstream } from '../kit/upstream.ts';
import { postModern } from '../kit/wire.ts';

type Database = (typeof DATABASES)[number];

interface KeyScene extends Scene {
  readonly k1: TestKey;
  readonly k2: TestKey;
}

/** The precondition of every case: a server "c1" with all its tools, and two keys without grants. */
async function startKeyScene(database: Database): Promise<KeyScene> {
  const scene = await startScene({ gateway: await freshDatabase(database) });
  const [k1, k2] = [await createKey(scene.gateway, 'k1'), await createKey(scene.gateway, 'k2')];
  return { ...scene, k1, k2, [Symbol.asyncDispose]: () => scene[Symbol.asyncDispose]() };
}

/** What a call of c1-echo comes to: its text, or the code of the refusal on both wires. */
async function outcome(scene: Scene, key: TestKey, headers: Record<string, string> = {}): Promise<string> {
  const { reply } = await postModern(key, 'tools/call', { name: 'c1-echo', arguments: { text: 'hi' } }, { headers });
  const rest = await scene.gateway.execute(
    'c1-echo',
    { text: 'hi' },
    { authorization: `Bearer ${key.value}`, ...headers },
  );
  const viaMcp = reply.error === undefined ? 'ok' : String((reply.error.data as { code?: string }).code);
  const viaRest = rest.status === 200 ? 'ok' : String(rest.body['type']);
  expect(viaRest).toBe(viaMcp);
  return viaMcp;
}

describe.each(DATABASES)('grants on %s', (database) => {
  test('a key without grants sees and calls nothing', async () => {
    await using scene = await startKeyScene(database);
    expect(await listedTools(scene.k1)).toEqual([]);
    expect(await outcome(scene, scene.k1)).toBe('mcp_tool_blocked');
  });

  test('vk_configs grants tools, and shows the key with its name', async () => {
    await using scene = await startKeyScene(database);
    const { k1, k2, gateway, id } = scene;
    expectDone(await scene.update({ vk_configs: [{ virtual_key_id: k1.id, tools_to_execute: ['echo'] }] }), 'edited');
    expect(await listedTools(k1)).toEqual(['c1-echo']);
    expect(await callText(k1, 'c1-echo', { text: 'hi' })).toBe('hi');
    expect(await outcome(scene, k2)).toBe('mcp_tool_blocked');
    expect((await gateway.getClient(id)).vk_configs).toEqual([
      { virtual_key_id: k1.id, virtual_key_name: 'k1', tools_to_execute: ['echo'] },
    ]);
    expect((await getKey(gateway, k1)).mcp_configs).toMatchObject([
      { mcp_client_name: 'c1', tools_to_execute: ['echo'] },
    ]);
  });

  test('vk_configs replaces every assignment, [] removes all, absent and null keep', async () => {
    await using scene = await startKeyScene(database);
    const { k1, k2 } = scene;
    await scene.update({ vk_configs: [{ virtual_key_id: k1.id, tools_to_execute: ['echo'] }] });
    await scene.update({ vk_configs: [{ virtual_key_id: k2.id, tools_to_execute: ['*'] }] });
    expect(await listedTools(k1)).toEqual([]);
    expect(await listedTools(k2)).toEqual(await listedTools(scene.gateway));
    const before = await scene.gateway.getClient(scene.id);
    await scene.update({});
    await scene.update({ vk_configs: null });
    expect(await scene.gateway.getClient(scene.id)).toEqual(before);
    await scene.update({ vk_configs: [] });
    expect(await listedTools(k2)).toEqual([]);
    expect((await scene.gateway.getClient(scene.id)).vk_configs).toEqual([]);
  });

  test('a bad entry refuses the whole update', async () => {
    await using scene = await startKeyScene(database);
    const { gateway, k1 } = scene;
    await scene.update({ vk_configs: [{ virtual_key_id: k1.id, tools_to_execute: ['echo'] }] });
    const bad: [entries: unknown, rule: string][] = [
      [[{ virtual_key_id: k1.id }, { virtual_key_id: k1.id }], `duplicate virtual_key_id in vk_configs: ${k1.id}`],
      [[{ virtual_key_id: '' }], 'vk_configs[0].virtual_key_id'],
      [[{ tools_to_execute: ['*'] }], 'vk_configs[0].virtual_key_id'],
      [[{ virtual_key_id: k1.id, tools_to_execute: ['*', 'x'] }], 'vk_configs[0].tools_to_execute'],
      [[{ virtual_key_id: 'nobody' }], 'there is no virtual key "nobody"'],
      [{}, 'vk_configs'],
    ];
    for (const [vk_configs, rule] of bad) {
      const message = await expectRefused(gateway, 400, () => scene.update({ name: 'y', disabled: true, vk_configs }));
      expect(message).toContain(rule);
    }
    expect(await listedTools(k1)).toEqual(['c1-echo']);
  });

  test('an explicit grant wins over allow_on_all_virtual_keys, even an empty one', async () => {
    await using scene = await startKeyScene(database);
    const { k1, k2 } = scene;
    await scene.update({
      allow_on_all_virtual_keys: true,
      vk_configs: [{ virtual_key_id: k1.id, tools_to_execute: ['echo'] }],
    });
    const everything = await listedTools(scene.gateway);
    expect([await listedTools(k1), await listedTools(k2)]).toEqual([['c1-echo'], everything]);
    await scene.update({ vk_configs: [{ virtual_key_id: k1.id }] });
    expect([await listedTools(k1), await listedTools(k2)]).toEqual([[], everything]);
    expect([await outcome(scene, k1), await outcome(scene, k2)]).toEqual(['mcp_tool_blocked', 'ok']);
    await scene.update({ allow_on_all_virtual_keys: false });
    expect([await listedTools(k1), await listedTools(k2)]).toEqual([[], []]);
  });

  test('mcp_configs of a key and vk_configs of a server edit the same grants, the last writer wins', async () => {
    await using scene = await startKeyScene(database);
    const { gateway, id, k1 } = scene;
    await updateKey(gateway, k1, { mcp_configs: [{ mcp_client_name: 'c1', tools_to_execute: ['add'] }] });
    expect(await listedTools(k1)).toEqual(['c1-add']);
    expect((await gateway.getClient(id)).vk_configs).toMatchObject([
      { virtual_key_id: k1.id, tools_to_execute: ['add'] },
    ]);
    await scene.update({ vk_configs: [{ virtual_key_id: k1.id, tools_to_execute: ['greet'] }] });
    expect((await getKey(gateway, k1)).mcp_configs).toMatchObject([{ tools_to_execute: ['greet'] }]);
    await updateKey(gateway, k1, { mcp_configs: [] });
    expect((await gateway.getClient(id)).vk_configs).toEqual([]);
    expect(await listedTools(k1)).toEqual([]);
  });

  test('grants go with the key and with the server, and survive a new name and a pause', async () => {
    await using scene = await startKeyScene(database);
    const { gateway, id, k1, k2 } = scene;
    const grant = (key: TestKey) => ({ virtual_key_id: key.id, tools_to_execute: ['echo'] });
    await scene.update({ vk_configs: [grant(k1), grant(k2)] });
    await scene.update({ name: 'x2' });
    expect(await listedTools(k1)).toEqual(['x2-echo']);
    await scene.update({ disabled: true });
    expect(await listedTools(k1)).toEqual([]);
    await scene.update({ disabled: false });
    expect(await listedTools(k1)).toEqual(['x2-echo']);
    expect((await gateway.api('DELETE', `/api/governance/virtual-keys/${k1.id}`)).status).toBe(200);
    expect((await gateway.getClient(id)).vk_configs).toMatchObject([{ virtual_key_id: k2.id }]);
    expect((await gateway.api('DELETE', `/api/mcp/client/${id}`)).status).toBe(200);
    expect((await getKey(gateway, k2)).mcp_configs).toEqual([]);
  });

  test('the list of servers can be searched by key', async () => {
    await using scene = await startKeyScene(database);
    const { gateway, k1, k2 } = scene;
    await using other = await startUpstream();
    await gateway.createClient(httpClient(other.url, { name: 'c2', allow_on_all_virtual_keys: true }));
    await scene.update({ vk_configs: [{ virtual_key_id: k1.id, tools_to_execute: ['echo'] }] });
    const found = async (query: string) => {
      const { body } = await gateway.api('GET', `/api/mcp/clients?${query}`);
      return (body['clients'] as { config: { name: string } }[]).map(({ config }) => config.name);
    };
    expect(await found(`virtual_keys=${k1.id}`)).toEqual(['c1']);
    expect(await found(`virtual_keys=${k2.id}`)).toEqual([]);
    expect(await found(`virtual_keys=${k1.id}&allowed_by_default=true`)).toEqual(['c1', 'c2']);
  });

  /** The table of management-api.md §13.3: client list, header tools, key's row, open to all → is echo there? */
  const ROWS: [
    list: string[],
    header: string | undefined,
    row: string[] | undefined,
    open: boolean,
    isThere: boolean,
  ][] = [
    [['*'], undefined, ['*'], false, true],
    [['*'], undefined, ['add'], false, false],
    [['add'], 'c1-*', ['*'], false, false],
    [['*'], 'c1-echo', ['add'], false, false],
    [['*'], 'c1-echo', ['*'], false, true],
    [['*'], '', ['*'], false, false],
    [['*'], '', undefined, true, false],
    [['*'], undefined, undefined, false, false],
    [['*'], undefined, undefined, true, true],
    [['*'], undefined, [], true, false],
  ];
  test.each(ROWS)('list %j, header %j, row %j, open to all %j: %j', async (list, header, row, open, isThere) => {
    await using scene = await startKeyScene(database);
    const { k1 } = scene;
    await scene.update({
      tools_to_execute: list,
      allow_on_all_virtual_keys: open,
      vk_configs: row === undefined ? [] : [{ virtual_key_id: k1.id, tools_to_execute: row }],
    });
    // A blank is sent as an empty value.
    const headers = header === undefined ? {} : { 'x-bf-mcp-include-tools': header === '' ? ' ' : header };
    const { reply } = await postModern(k1, 'tools/list', {}, { headers });
    const { tools } = reply.result as { tools: { name: string }[] };
    const names = tools.map(({ name }) => name);
    expect(names.includes('c1-echo')).toBe(isThere);
    expect(await outcome(scene, k1, headers)).toBe(isThere ? 'ok' : 'mcp_tool_blocked');
    if (header === 'c1-echo') expect(names.filter((name) => name !== 'c1-echo')).toEqual([]);
  });
});
