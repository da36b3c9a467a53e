import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { ResultSchema } from '@modelcontextprotocol/sdk/types.js';
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { RICH_RESULT } from '../kit/rich-result.ts';
import { expectDone, startScene } from '../kit/scene.ts';
import { connectLegacy, connectModern } from '../kit/sdk-clients.ts';
import { waitFor } from '../kit/wait.ts';

const names = ['c1-add', 'c1-echo', 'c1-fail', 'c1-greet', 'c1-rich', 'c1-slow', 'c1-whoami'];
const rich = { method: 'tools/call', params: { name: 'c1-rich', arguments: {} } } as const;

describe.for([
  ['legacy', connectLegacy],
  ['modern', connectModern],
] as const)('the official %s client', ([, connect]) => {
  test('lists the tools under the name of their server, and nothing about them is lost', async () => {
    await using scene = await startScene();
    const tools = scene.upstream.host.tools;
    const echo = {
      ...tools.get('echo'),
      name: 'echo',
      annotations: { readOnlyHint: true },
      _meta: { 'example.com/a': 1 },
    };
    tools.set('echo', {
      ...echo,
      description: 'Says the same',
      inputSchema: { type: 'object', $defs: { t: {} }, properties: {} },
    });
    await scene.gateway.api('POST', `/api/mcp/client/${scene.id}/refresh-tools`);
    await using client = await connect(scene.gateway);
    const listed = (await client.listTools()).tools;
    expect(listed.map(({ name }) => name).toSorted()).toEqual(names);
    expect(listed.find(({ name }) => name === 'c1-echo')).toEqual({ ...tools.get('echo'), name: 'c1-echo' });
  });

  test('calls tools and gets answers and tool errors as the server gave them', async () => {
    await using scene = await startScene();
    await using client = await connect(scene.gateway);
    const sum = await client.callTool({ name: 'c1-add', arguments: { a: 1, b: 2 } });
    expect(sum.content).toEqual([{ type: 'text', text: '3' }]);
    const failed = await client.callTool({ name: 'c1-fail', arguments: {} });
    expect(failed).toMatchObject({ isError: true, content: [{ type: 'text', text: 'it went wrong' }] });
  });

  test('gets every kind of content whole', async () => {
    await using scene = await startScene();
    await using client = await connect(scene.gateway);
    const direct = RICH_RESULT;
    const through =
      client instanceof LegacyClient
        ? await client.request(rich, ResultSchema)
        : await client.request(rich, z.looseObject({}));
    const meta = { ...(through['_meta'] as object) };
    Reflect.deleteProperty(meta, 'io.modelcontextprotocol/serverInfo');
    expect({ ...through, _meta: meta }).toEqual(direct);
  });

  test('hears of progress', async () => {
    await using scene = await startScene();
    await using client = await connect(scene.gateway);
    const steps: unknown[] = [];
    const onprogress = (step: unknown): void => void steps.push(step);
    const call = { name: 'c1-slow', arguments: { ms: 60 } };
    await (client instanceof LegacyClient
      ? client.callTool(call, undefined, { onprogress })
      : client.callTool(call, { onprogress }));
    expect(steps).toEqual([1, 2, 3].map((step) => ({ progress: step, total: 3, message: `step ${step}` })));
  });

  test('cancels a call, and the server hears of it', async () => {
    await using scene = await startScene();
    const { host } = scene.upstream;
    await using client = await connect(scene.gateway);
    const abort = new AbortController();
    const call = { name: 'c1-slow', arguments: { ms: 60_000 } };
    const running =
      client instanceof LegacyClient
        ? client.callTool(call, undefined, { signal: abort.signal })
        : client.callTool(call, { signal: abort.signal });
    await waitFor(() => host.calls.length === 1, 'the call to arrive');
    abort.abort();
    await expect(running).rejects.toThrow();
    await waitFor(() => host.cancelled.length === 1, 'the cancellation to arrive');
    expect((await client.callTool({ name: 'c1-echo', arguments: { text: 'on' } })).isError).not.toBe(true);
  });

  test('is told when a tool does not exist', async () => {
    await using scene = await startScene();
    await using client = await connect(scene.gateway);
    for (const name of ['c1-nothing', 'echo', 'c2-echo', 'c1', '']) {
      await expect(client.callTool({ name, arguments: {} }), name).rejects.toMatchObject({ code: -32_602 });
    }
    expect(scene.upstream.countCalls()).toBe(0);
  });
});

test('the official legacy client hears of changes of the list', async () => {
  await using scene = await startScene();
  await using client = await connectLegacy(scene.gateway);
  let notices = 0;
  client.fallbackNotificationHandler = async ({ method }) =>
    void (notices += method === 'notifications/tools/list_changed' ? 1 : 0);
  let round = 0;
  await waitFor(async () => {
    // The client opens its stream some time after the handshake, so one change could go unheard.
    await scene.upstream.addTool(`later_${round++}`);
    return notices > 0;
  }, 'a notice');
  expect((await client.listTools()).tools.map(({ name }) => name)).toContain('c1-later_0');
});

test('the official modern client sees a changed list at once', async () => {
  await using scene = await startScene();
  await using client = await connectModern(scene.gateway);
  expect(await client.listTools()).toHaveProperty('tools.length', 7);
  expectDone(await scene.update({ tools_to_execute: ['echo'] }), 'edited');
  expect(await client.listTools()).toHaveProperty('tools.length', 1);
});
