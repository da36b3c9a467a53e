import { expect, test } from 'vitest';
import { expectDone, expectRefused, listedTools, startScene } from '../kit/scene.ts';

test('a tool that may not be called may not be auto-executed either', async () => {
  await using scene = await startScene();
  const update = { tools_to_execute: ['echo'], tools_to_auto_execute: ['add'] };
  expect(await expectRefused(scene.gateway, 400, () => scene.update(update))).toContain('add');
});

test('an empty list of tools empties the auto-execute list and hides every tool', async () => {
  await using scene = await startScene({ client: { tools_to_auto_execute: ['echo'] } });
  const { gateway, id } = scene;
  expectDone(await scene.update({ tools_to_execute: [] }), 'edited');
  const { config } = await gateway.getClient(id);
  expect(config).toMatchObject({ tools_to_execute: [], tools_to_auto_execute: [] });
  expect(await listedTools(gateway)).toEqual([]);
  expect((await gateway.execute('c1-echo', { text: 'x' })).status).toBe(400);
});

test('an empty list of tools forgives even an invalid auto-execute list', async () => {
  await using scene = await startScene();
  expectDone(await scene.update({ tools_to_execute: [], tools_to_auto_execute: ['nonsense'] }), 'edited');
  expect((await scene.gateway.getClient(scene.id)).config.tools_to_auto_execute).toEqual([]);
});

test('shrinking the list below the stored auto-execute list is refused and names the tool', async () => {
  await using scene = await startScene({ client: { tools_to_auto_execute: ['echo'] } });
  const message = await expectRefused(scene.gateway, 400, () => scene.update({ tools_to_execute: ['add'] }));
  expect(message).toContain('echo');
});

test.for(['tools_to_execute', 'tools_to_auto_execute'])(
  '%s takes neither * among names nor duplicates',
  async (field) => {
    await using scene = await startScene();
    await expectRefused(scene.gateway, 400, () => scene.update({ [field]: ['*', 'echo'] }));
    await expectRefused(scene.gateway, 400, () => scene.update({ [field]: ['echo', 'echo'] }));
  },
);

test('auto-execute of everything needs execute of everything', async () => {
  await using scene = await startScene({ client: { tools_to_execute: ['echo'] } });
  const { gateway, id } = scene;
  await expectRefused(gateway, 400, () => scene.update({ tools_to_auto_execute: ['*'] }));
  expectDone(await scene.update({ tools_to_execute: ['*'], tools_to_auto_execute: ['*'] }), 'edited');
  expect((await gateway.getClient(id)).config.tools_to_auto_execute).toEqual(['*']);
});

test('a list of names hides the other tools and refuses their calls at once', async () => {
  await using scene = await startScene();
  const { gateway } = scene;
  expectDone(await scene.update({ tools_to_execute: ['echo', 'not_there_yet'] }), 'edited');
  expect(await listedTools(gateway)).toEqual(['c1-echo']);
  expect((await gateway.execute('c1-add', { a: 1, b: 1 })).status).toBe(400);
  expect(scene.upstream.countCalls('add')).toBe(0);
  await scene.upstream.addTool('not_there_yet');
  expectDone(await gateway.api('POST', `/api/mcp/client/${scene.id}/refresh-tools`), '');
  expect(await listedTools(gateway)).toEqual(['c1-echo', 'c1-not_there_yet']);
});
