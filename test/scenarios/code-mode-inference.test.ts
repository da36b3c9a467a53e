import { describe, expect, test } from 'vitest';
import { decide, listApprovals } from '../kit/approvals.ts';
import { httpClient } from '../kit/gateway.ts';
import { createKey, type TestKey } from '../kit/keys.ts';
import { readLogs } from '../kit/logs.ts';
import { postStream, startModelScene, type ModelScene } from '../kit/models.ts';
import type { ModelCall, ScriptedAnswer } from '../kit/model-server.ts';
import { startUpstream, type Upstream } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';

type JsonObject = Record<string, unknown>;

interface World extends AsyncDisposable {
  readonly scene: ModelScene;
  readonly second: Upstream;
  readonly key: TestKey;
}

const CODE_MODE = { is_code_mode_client: true, allow_on_all_virtual_keys: true };

/** Two servers in code mode, "c1" and "c2", and a key with a budget. */
async function startWorld(client: JsonObject = {}): Promise<World> {
  const auto = { ...CODE_MODE, tools_to_auto_execute: ['add', 'echo'] };
  const scene = await startModelScene({ client: { ...auto, tool_pricing: { add: 0.25 }, ...client } });
  const second = await startUpstream();
  await scene.gateway.createClient(httpClient(second.url, { ...auto, name: 'c2', tool_pricing: { echo: 0.5 } }));
  const key = await createKey(scene.gateway, 'ada', {
    allow_all_providers: true,
    budgets: [{ max_limit: 1, reset_duration: '1d' }],
  });
  return {
    ...{ scene, second, key },
    async [Symbol.asyncDispose]() {
      await scene[Symbol.asyncDispose]();
      await second.stop();
    },
  };
}

const FORMATS = {
  chat: ['/v1/chat/completions', { model: 'openai/gpt-x', messages: [{ role: 'user', content: 'hi' }] }],
  responses: ['/v1/responses', { model: 'openai/gpt-x', input: 'hi' }],
  messages: [
    '/anthropic/v1/messages',
    { model: 'claude-x', max_tokens: 100, messages: [{ role: 'user', content: 'hi' }] },
  ],
} as const;
type FormatName = keyof typeof FORMATS;
const CASES = (Object.keys(FORMATS) as FormatName[]).flatMap((name) => [[name, false] as const, [name, true] as const]);

/** Sends a request of that format with the key. Gives the answer as text, with what JSON escapes undone. */
async function ask({ scene, key }: World, name: FormatName, isStream: boolean): Promise<string> {
  const [path, body] = FORMATS[name];
  const headers = { authorization: `Bearer ${key.value}` };
  if (isStream) return (await postStream(scene.gateway, path, body, headers)).text.replaceAll('\\"', '"');
  const answer = await scene.gateway.api('POST', path, body, headers);
  expect(answer.status).toBe(200);
  return JSON.stringify(answer.body).replaceAll('\\\\\\"', '"').replaceAll('\\"', '"');
}

const runs = (code: string): ScriptedAnswer => ({ calls: [{ id: 'k1', name: 'executeToolCode', args: { code } }] });
const CODE = `
  const sum = await c1.add({ a: 20, b: 22 });
  return await c2.echo({ text: 'the sum is ' + sum });`;

describe.each(CASES)('in %s (streamed: %s)', (name, isStream) => {
  test('a model runs code over two servers, and answers with what it gave', async () => {
    await using world = await startWorld();
    const { scene, second, key } = world;
    const tell = ({ bytes }: ModelCall): ScriptedAnswer => ({
      text: `I see: ${/the sum is \d+/.exec(bytes.toString())?.[0]}`,
    });
    scene.models.script(runs(CODE), tell);
    expect(await ask(world, name, isStream)).toContain('sum is 42');
    const offered = JSON.stringify(scene.models.calls[0]?.body['tools']);
    expect(offered).toContain('listToolFiles');
    expect(offered).not.toContain('c1-add');
    expect([scene.scene.upstream.countCalls('add'), second.countCalls('echo')]).toEqual([1, 1]);

    const rows = await waitFor(async () => {
      const { logs } = await readLogs(scene.gateway, { virtual_key_ids: key.id });
      return logs.length === 3 && logs.every(({ status }) => status !== 'processing') && logs;
    }, 'the rows');
    const run = rows.find(({ tool_name }) => tool_name === 'executeToolCode');
    expect(run).toMatchObject({ source: 'agent', cost: 0 });
    // The run belongs to the first request to the model, and so do the calls that it made.
    const requests = await waitFor(async () => {
      const { body } = await scene.gateway.api('GET', '/api/logs');
      const logs = body['logs'] as { id: string; status: string }[];
      return logs.length === 2 && logs;
    }, 'the requests');
    const request = requests.find(({ id }) => id === run?.llm_request_id);
    expect(request).toBeDefined();
    for (const [tool, cost] of [
      ['add', 0.25],
      ['echo', 0.5],
    ] as const)
      expect(rows.find(({ tool_name }) => tool_name === tool)).toMatchObject({
        ...{ source: 'code', cost, llm_request_id: request?.id, metadata: { parent_id: run?.id } },
      });
  });

  test('code that waits for approval is left to the caller, who goes on with it and calls nothing twice', async () => {
    await using world = await startWorld({ tools_to_approve: ['echo'] });
    const { scene, key } = world;
    scene.models.script(runs(`const n = await c1.add({ a: 1, b: 2 }); return await c1.echo({ text: 'n is ' + n })`));
    const said = await ask(world, name, isStream);
    expect(scene.models.calls).toHaveLength(1);
    expect(said).toContain('The code waits for approval of');
    const [approval] = await listApprovals(scene.gateway);
    expect(said).toContain(approval?.id);
    const continuation = /"continuation":\s*"(run_[\w-]+)"/.exec(said)?.[1];
    const args = { continuation };
    const go = () =>
      scene.gateway.api(
        'POST',
        '/v1/mcp/tool/execute',
        { id: 'k1', type: 'function', function: { name: 'executeToolCode', arguments: JSON.stringify(args) } },
        { authorization: `Bearer ${key.value}` },
      );
    expect((await go()).body['content']).toContain('Execution waits for approval');
    await decide(scene.gateway, approval ?? { id: '' }, 'approve');
    expect((await go()).body['content']).toContain('Return value: "n is 3"');
    const { upstream } = scene.scene;
    expect([upstream.countCalls('add'), upstream.countCalls('echo')]).toEqual([1, 1]);
  });

  test('a tool that waits for approval is left to the caller with what has run, and a denial is told to the model', async () => {
    await using world = await startWorld({ tools_to_approve: ['echo'], is_code_mode_client: false });
    const { scene } = world;
    const calls = [
      { id: 'a', name: 'c1-add', args: { a: 1, b: 2 } },
      { id: 'b', name: 'c1-echo', args: { text: 'x' } },
    ];
    scene.models.script({ calls });
    const said = await ask(world, name, isStream);
    expect(said).toContain('"c1-add":"3"');
    const [approval] = await listApprovals(scene.gateway);
    expect(said).toContain(`needs approval ${approval?.id}`);
    expect(said).toMatch(/"c1-echo"/);
    await decide(scene.gateway, approval ?? { id: '' }, 'deny', { note: 'not this' });
    scene.models.script({ calls: calls.slice(1) }, { text: 'so be it' });
    await ask(world, name, isStream);
    expect(scene.models.calls.at(-1)?.bytes.toString()).toContain('was denied: not this');
  });
});

test('code that a model runs through callTool goes on through callTool', async () => {
  await using world = await startWorld({ tools_to_approve: ['echo'] });
  const { scene, key } = world;
  const code = `return await c1.echo({ text: 'once' })`;
  const call = { id: 'k1', name: 'callTool', args: { name: 'executeToolCode', arguments: { code } } };
  scene.models.script({ calls: [call] });
  const [path, body] = FORMATS.chat;
  const headers = { authorization: `Bearer ${key.value}` };
  const answer = await scene.gateway.api('POST', path, body, { ...headers, 'x-asbru-tool-mode': 'search' });
  const [choice] = answer.body['choices'] as { message: { tool_calls: JsonObject[] } }[];
  const [approval] = await listApprovals(scene.gateway);
  await decide(scene.gateway, approval ?? { id: '' }, 'approve');
  const ran = await scene.gateway.api('POST', '/v1/mcp/tool/execute', choice?.message.tool_calls[0], {
    ...headers,
    'x-asbru-tool-mode': 'search',
  });
  expect(ran.body['content']).toContain('Return value: "once"');
  expect(scene.scene.upstream.countCalls('echo')).toBe(1);
});

test('a budget that code spends ends its calls, and then the request', async () => {
  await using world = await startWorld({ tool_pricing: { add: 0.5 } });
  const { scene, key } = world;
  scene.models.script(runs(`for (;;) await c1.add({ a: 1, b: 1 })`), { text: 'never' });
  const [path, body] = FORMATS.chat;
  const answer = await scene.gateway.api('POST', path, body, { authorization: `Bearer ${key.value}` });
  expect(answer).toMatchObject({ status: 402, body: { type: 'budget_exceeded' } });
  expect([scene.scene.upstream.countCalls('add'), scene.models.calls.length]).toEqual([2, 1]);
});
