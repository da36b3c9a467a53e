import { expect, test } from 'vitest';
import { callText, expectDone, expectRefused, listedTools, startScene } from '../kit/scene.ts';

test('an update of an unknown client is 404 and creates nothing', async () => {
  await using scene = await startScene();
  const { gateway } = scene;
  expect(await expectRefused(gateway, 404, () => gateway.update('nobody', { name: 'x' }))).toContain('nobody');
  expect(await gateway.listClients()).toHaveLength(1);
});

test('an empty update is accepted and changes nothing', async () => {
  await using scene = await startScene({ client: { headers: { 'X-A': 'secret-value' }, tool_pricing: { echo: 0.5 } } });
  const before = await scene.gateway.getClient(scene.id);
  expectDone(await scene.update({}), 'edited');
  expect(await scene.gateway.getClient(scene.id)).toEqual(before);
});

test('null means absent for every setting', async () => {
  const client = {
    headers: { 'X-A': 'secret-value' },
    tools_to_auto_execute: ['echo'],
    allowed_extra_headers: ['x-b'],
  };
  await using scene = await startScene({ client });
  const before = await scene.gateway.getClient(scene.id);
  const { config } = before;
  const nulls = Object.fromEntries([...Object.keys(config), 'vk_configs', 'stdio_config'].map((key) => [key, null]));
  expectDone(await scene.update(nulls), 'edited');
  expect(await scene.gateway.getClient(scene.id)).toEqual(before);
});

test('fields that nobody knows are ignored', async () => {
  await using scene = await startScene();
  const before = await scene.gateway.getClient(scene.id);
  expectDone(await scene.update({ no_such_field: 1 }), 'edited');
  expect(await scene.gateway.getClient(scene.id)).toEqual(before);
});

test('a renamed client keeps its settings, and its tools carry the new name at once', async () => {
  await using scene = await startScene({
    client: { tools_to_execute: ['echo', 'add'], tools_to_auto_execute: ['add'] },
  });
  const { gateway, id } = scene;
  const before = await gateway.getClient(id);
  expectDone(await scene.update({ name: 'x2' }), 'edited');
  expect(await gateway.getClient(id)).toEqual({ ...before, config: { ...before.config, name: 'x2' } });
  expect(await listedTools(gateway)).toEqual(['x2-add', 'x2-echo']);
  expect(await callText(gateway, 'x2-echo', { text: 'hi' })).toBe('hi');
  expect((await gateway.execute('x2-echo', { text: 'hi' })).status).toBe(200);
  expect((await gateway.execute('c1-echo', { text: 'hi' })).status).toBe(400);
});

test.for(['', ' ', 'a-b', 'a b', '9a', 'naïve', 'a'.repeat(256)])('the name "%s" is refused', async (name) => {
  await using scene = await startScene();
  await expectRefused(scene.gateway, 400, () => scene.update({ name }));
});

test('the name of another client is a conflict; the own name is not', async () => {
  await using scene = await startScene();
  const { gateway, upstream } = scene;
  await gateway.createClient({ name: 'c2', connection_type: 'http', connection_string: upstream.url });
  await expectRefused(gateway, 409, () => scene.update({ name: 'c2', tools_to_execute: [] }));
  expectDone(await scene.update({ name: 'c1' }), 'edited');
});

test('a client_id in the body must be the one in the path', async () => {
  await using scene = await startScene();
  await expectRefused(scene.gateway, 400, () => scene.update({ client_id: 'other', name: 'x' }));
  expectDone(await scene.update({ client_id: scene.id }), 'edited');
});

test('two updates at once with different fields are both applied', async () => {
  await using scene = await startScene();
  const { gateway, id } = scene;
  for (let round = 1; round <= 5; round += 1) {
    const updates = [
      { name: `n${round}` },
      { tool_pricing: { echo: round } },
      { is_ping_available: round % 2 === 0 },
      { allowed_extra_headers: [`x-${round}`] },
      { headers: { 'X-Round': `round-${round}` } },
    ];
    for (const answer of await Promise.all(updates.map((body) => scene.update(body)))) expectDone(answer, 'edited');
    const { config } = await gateway.getClient(id);
    expect(config).toMatchObject({ ...updates[0], ...updates[1], ...updates[2], ...updates[3] });
    expect(Object.keys(config.headers)).toEqual(['X-Round']);
  }
});
