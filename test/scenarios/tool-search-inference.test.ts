import { describe, expect, test } from 'vitest';
import type { ModelCall } from '../kit/model-server.ts';
import { postStream, startModelScene, type ModelScene } from '../kit/models.ts';
import { readLogs } from '../kit/logs.ts';
import { readEvents } from '../kit/wire.ts';

type JsonObject = Record<string, unknown>;

const CHAT = { model: 'openai/gpt-x', messages: [{ role: 'user', content: 'hi' }] };
const MESSAGES = { model: 'claude-x', max_tokens: 100, messages: [{ role: 'user', content: 'hi' }] };
const AUTO = { client: { tools_to_auto_execute: ['echo'] } };
const META = ['searchTools', 'callTool', 'readResult'];
const BIG = Array.from({ length: 5_000 }, (_, line) => `line ${line} of a long report`).join('\n');

async function configure(scene: ModelScene, client_config: JsonObject): Promise<void> {
  const { status, body } = await scene.gateway.api('PUT', '/api/config', { client_config });
  expect(status, JSON.stringify(body)).toBe(200);
}

/** The tools that a model was offered, in OpenAI's or Anthropic's form. */
function offeredIn(call: ModelCall | undefined): string[] {
  const tools = (call?.body['tools'] ?? []) as { name?: string; function?: { name: string } }[];
  return tools.map((tool) => tool.function?.name ?? tool.name ?? '');
}

/** What a model was told that its last calls gave. */
function resultsIn(call: ModelCall | undefined): string[] {
  const messages = (call?.body['messages'] ?? []) as { role: string; content: string | JsonObject[] }[];
  return messages.flatMap(({ role, content }) => {
    if (role === 'tool') return typeof content === 'string' ? [content] : [];
    const blocks = Array.isArray(content) ? content : [];
    return blocks.filter(({ type }) => type === 'tool_result').map((block) => String(block['content']));
  });
}

const search = (query: string) => ({ id: 's', name: 'searchTools', args: { query } });
const through = (name: string, args: JsonObject) => ({ id: 'c', name: 'callTool', args: { name, arguments: args } });

describe.each([
  ['chat', '/v1/chat/completions', CHAT],
  ['messages', '/anthropic/v1/messages', MESSAGES],
] as const)('%s', (_, path, request) => {
  test('a model searches, calls what it found, and the gateway runs both', async () => {
    await using scene = await startModelScene(AUTO);
    await configure(scene, { mcp_tool_search: 'always' });
    const { gateway, models } = scene;
    models.script(
      { calls: [search('say the same')] },
      { calls: [through('c1-echo', { text: 'one' })] },
      { text: 'done' },
    );
    const { status, body } = await gateway.api('POST', path, request);
    expect(status).toBe(200);
    expect(JSON.stringify(body)).toContain('done');
    expect(models.calls.map(offeredIn)).toEqual([META, META, META]);
    expect(resultsIn(models.calls[1])[0]).toContain('c1-echo: Says the same\n  { text: string }');
    expect(resultsIn(models.calls[2])[1]).toBe('one');
    const { logs } = await readLogs(gateway, { sort_by: 'timestamp', order: 'asc' });
    expect(logs.map(({ tool_name, server_label, source }) => [tool_name, server_label, source])).toEqual([
      ['searchTools', 'toolsearch', 'agent'],
      ['echo', 'c1', 'agent'],
    ]);
  });

  test('the same in a stream', async () => {
    await using scene = await startModelScene(AUTO);
    await configure(scene, { mcp_tool_search: 'always' });
    const { gateway, models } = scene;
    models.script({ calls: [search('echo')] }, { calls: [through('c1-echo', { text: 'one' })] }, { text: 'done' });
    const { text } = await postStream(gateway, path, request);
    expect(readEvents(text).join('')).toMatch(/"do"[^]*"ne"/);
    expect(resultsIn(models.calls[2])[1]).toBe('one');
  });

  test('a call that the gateway may not run itself comes back, and runs when its caller says so', async () => {
    await using scene = await startModelScene(AUTO);
    await configure(scene, { mcp_tool_search: 'always' });
    const { gateway, models } = scene;
    models.script({ calls: [through('c1-add', { a: 1, b: 2 })] });
    const { body } = await gateway.api('POST', path, request);
    expect(models.calls).toHaveLength(1);
    expect(scene.scene.upstream.countCalls()).toBe(0);
    const said = JSON.stringify(body);
    expect(said).toContain('callTool');
    expect(said).toContain('c1-add');
    const ran = await gateway.execute('callTool', { name: 'c1-add', arguments: { a: 1, b: 2 } });
    expect(ran.body['content']).toBe('3');
  });

  test('a call of a tool that is not there, or is none, is told to the model', async () => {
    await using scene = await startModelScene(AUTO);
    await configure(scene, { mcp_tool_search: 'always' });
    const { gateway, models } = scene;
    const calls = [through('c1-nothing', {}), { id: 'd', name: 'callTool', args: {} }];
    models.script({ calls }, { text: 'done' });
    await gateway.api('POST', path, request);
    const [missing, broken] = resultsIn(models.calls[1]);
    expect(missing).toContain("tool 'c1-nothing' is not available");
    expect(broken).toContain('name: must be the name of a tool');
  });

  test('a result that is too large comes as a preview, and from then on the model can read on', async () => {
    await using scene = await startModelScene(AUTO);
    const { gateway, models } = scene;
    const place = BIG.indexOf('line 4321');
    models.script(
      { calls: [{ id: 'a', name: 'c1-echo', args: { text: BIG } }] },
      (call) => {
        const id = /readResult\(\{ id: "([^"]+)"/.exec(resultsIn(call)[0] ?? '')?.[1];
        return { calls: [{ id: 'b', name: 'readResult', args: { id, grep: 'line 4321' } }] };
      },
      { text: 'done' },
    );
    const { body } = await gateway.api('POST', path, request);
    expect(JSON.stringify(body)).toContain('done');
    expect(offeredIn(models.calls[0])).not.toContain('readResult');
    expect(offeredIn(models.calls[1])).toEqual([...offeredIn(models.calls[0]), 'readResult']);
    expect(offeredIn(models.calls[2])).toEqual(offeredIn(models.calls[1]));
    const [preview, part] = resultsIn(models.calls[2]);
    expect(preview?.length).toBeLessThan(5_000);
    expect(part).toBe(`${place}: line 4321 of a long report`);
  });
});

test('all tools are offered unless the settings say otherwise, and a request may say it for itself', async () => {
  await using scene = await startModelScene(AUTO);
  const { gateway, models } = scene;
  const offered = async (headers: Record<string, string> = {}): Promise<string[]> => {
    await gateway.api('POST', '/v1/chat/completions', CHAT, headers);
    return offeredIn(models.calls.at(-1));
  };
  const all = await offered();
  expect(all).toContain('c1-echo');
  expect(all).toHaveLength(7);
  expect(await offered({ 'x-asbru-tool-mode': 'search' })).toEqual(META);
  await configure(scene, { mcp_tool_search: 'auto', mcp_tool_search_threshold: 7 });
  expect(await offered()).toEqual(all);
  await configure(scene, { mcp_tool_search_threshold: 6 });
  expect(await offered()).toEqual(META);
  expect(await offered({ 'x-bf-mcp-include-tools': 'c1-echo' })).toEqual(['c1-echo']);
  expect(await offered({ 'x-asbru-tool-mode': 'tools' })).toEqual(all);
});

test('with the limit at 0 a model gets everything', async () => {
  await using scene = await startModelScene(AUTO);
  await configure(scene, { mcp_max_result_size: 0 });
  const { gateway, models } = scene;
  models.script({ calls: [{ id: 'a', name: 'c1-echo', args: { text: BIG } }] }, { text: 'done' });
  await gateway.api('POST', '/v1/chat/completions', CHAT);
  expect(resultsIn(models.calls[1])).toEqual([BIG]);
});
