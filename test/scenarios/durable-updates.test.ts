import { describe, expect, test } from 'vitest';
import { startChildGateway } from '../kit/child-gateway.ts';
import { DATABASES } from '../kit/databases.ts';
import { httpClient, startGateway } from '../kit/gateway.ts';
import { createKey, freshDatabase, getKey } from '../kit/keys.ts';
import { callText, expectDone, expectRefused, listedTools, startScene } from '../kit/scene.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { startUpstream } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';

describe.each(DATABASES)('on %s', (database) => {
  test('headers that the server refuses are not stored, and the former connection goes on serving', async () => {
    await using scene = await startScene({
      gateway: await freshDatabase(database),
      upstream: { requiredHeader: ['x-token', 'good'] },
      client: { headers: { 'X-Token': 'good' } },
    });
    const { gateway } = scene;
    const k1 = await createKey(gateway, 'k1');
    await scene.update({ vk_configs: [{ virtual_key_id: k1.id, tools_to_execute: ['*'] }] });
    const change = { headers: { 'X-Token': 'bad' }, name: 'y', vk_configs: [] };
    await expectRefused(gateway, 422, () => scene.update(change));
    expect(await callText(k1, 'c1-echo', { text: 'still here' })).toBe('still here');
  });

  test('parallel updates of different fields are all applied', async () => {
    await using scene = await startScene({ gateway: await freshDatabase(database) });
    const { gateway, id } = scene;
    const keys = await Promise.all(['k1', 'k2', 'k3'].map((name) => createKey(gateway, name)));
    const vk_configs = keys.map((key) => ({ virtual_key_id: key.id, tools_to_execute: ['echo'] }));
    const changes = [
      { tool_pricing: { echo: 0.5 } },
      { tools_to_execute: ['echo', 'add'] },
      { vk_configs },
      { tool_execution_timeout: 7 },
      { allow_on_all_virtual_keys: true },
      { allowed_extra_headers: ['x-a'] },
    ];
    for (const answer of await Promise.all(changes.map((change) => scene.update(change)))) expectDone(answer, 'edited');
    const { config, vk_configs: granted } = await gateway.getClient(id);
    expect(config).toMatchObject({
      tool_pricing: { echo: 0.5 },
      tools_to_execute: ['echo', 'add'],
      tool_execution_timeout: 7e9,
      allow_on_all_virtual_keys: true,
      allowed_extra_headers: ['x-a'],
    });
    expect(granted).toHaveLength(3);
  });

  test('grants of an update that was just answered survive a kill', async () => {
    await using folder = await temporaryFolder();
    await using upstream = await startUpstream();
    const options = { ...(await freshDatabase(database)), appDir: folder.path };
    const killed = await startChildGateway(options);
    await using _killed = killed;
    const id = await killed.createClient(httpClient(upstream.url));
    const [k1, k2] = [await createKey(killed, 'k1'), await createKey(killed, 'k2')];
    const change = { vk_configs: [{ virtual_key_id: k1.id, tools_to_execute: ['echo'] }] };
    expectDone(await killed.update(id, change), 'edited');
    const before = [await killed.getClient(id), await getKey(killed, k1), await getKey(killed, k2)];
    await killed.kill();

    await using gateway = await startGateway({ ...options, apiKey: killed.apiKey });
    await waitFor(async () => (await gateway.getClient(id)).state === 'connected', 'the stored server to connect');
    expect([await gateway.getClient(id), await getKey(gateway, k1), await getKey(gateway, k2)]).toEqual(before);
    expect(await listedTools({ ...k1, address: gateway.address })).toEqual(['c1-echo']);
    expect(await listedTools({ ...k2, address: gateway.address })).toEqual([]);
  });
});
