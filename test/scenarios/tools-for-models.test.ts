import { expect, test } from 'vitest';
import { createKey } from '../kit/keys.ts';
import { postStream, startModelScene, type ModelScene } from '../kit/models.ts';
import { listedTools } from '../kit/scene.ts';
import { waitFor } from '../kit/wait.ts';

type JsonObject = Record<string, unknown>;

const MESSAGES = [{ role: 'user', content: 'hi' }];
const FORMATS = [
  ['chat', '/v1/chat/completions', { model: 'openai/gpt-x', messages: MESSAGES }],
  ['responses', '/v1/responses', { model: 'openai/gpt-x', input: 'hi' }],
  ['messages', '/v1/messages', { model: 'anthropic/claude-x', max_tokens: 9, messages: MESSAGES }],
] as const;
const list = (value: unknown): JsonObject[] => value as JsonObject[];

/** The tools of the last request to a model, each with its name and schema, in whichever format. */
function offered({ models }: ModelScene): { readonly name: string; readonly schema: JsonObject }[] {
  return list(models.calls.at(-1)?.body['tools']).map((tool) => {
    const declared = (tool['function'] ?? tool) as JsonObject;
    return {
      name: String(declared['name']),
      schema: (declared['parameters'] ?? declared['input_schema']) as JsonObject,
    };
  });
}

/** A scene in which the gateway has heard of a further tool of "c1". */
async function startWith(tool: string, schema?: JsonObject, client: JsonObject = {}): Promise<ModelScene> {
  const scene = await startModelScene({ client });
  await scene.scene.upstream.addTool(tool, schema);
  await waitFor(async () => (await listedTools(scene.gateway)).includes(`c1-${tool}`), `${tool} is known`);
  return scene;
}

test.each(FORMATS)('a tool with a name that no provider takes has another one for models: %s', async (_, path, ask) => {
  await using scene = await startWith('files.read/all', undefined, { tools_to_auto_execute: ['files.read/all'] });
  const { gateway, models } = scene;
  const key = await createKey(gateway, 'k', {
    allow_all_providers: true,
    mcp_configs: [{ mcp_client_name: 'c1', tools_to_execute: ['*'] }],
  });
  const headers = { authorization: `Bearer ${key.value}` };
  let name = '';
  models.script(
    (call) => {
      name = JSON.stringify(call.body['tools']).match(/"(c1-files_read_all[^"]*)"/)?.[1] ?? 'none';
      return { calls: [{ id: 'a', name, args: {} }] };
    },
    { text: 'done' },
  );
  for (const isStream of [false, true]) {
    const before = models.calls.length;
    if (isStream) await postStream(gateway, path, ask, headers);
    else await gateway.api('POST', path, ask, headers);
    expect(offered(scene).every((tool) => /^[a-zA-Z0-9_-]{1,64}$/.test(tool.name))).toBe(true);
    if (!isStream) expect(JSON.stringify(models.calls[before + 1]?.body)).toContain('files.read/all ran');
  }
  const call = { id: 'a', type: 'function', function: { name, arguments: '{}' } };
  const { status, body } = await gateway.api('POST', '/v1/mcp/tool/execute', call, headers);
  expect([status, body['content']]).toEqual([200, 'files.read/all ran']);
});

test.each(FORMATS)('a tool has a schema that providers take, whatever its server says: %s', async (_, path, ask) => {
  await using scene = await startWith('odd', { type: 'object' });
  const { gateway } = scene;
  const schemaOf = async (name: string): Promise<JsonObject | undefined> => {
    await gateway.api('POST', path, ask);
    return offered(scene).find((tool) => tool.name === name)?.schema;
  };
  expect(await schemaOf('c1-odd')).toEqual({ type: 'object', properties: {} });

  const tags = { type: 'array' };
  const either = { anyOf: [{ properties: { a: { type: 'string' } }, required: ['a'] }, { properties: { tags } }] };
  await scene.scene.upstream.addTool('either', { type: 'object', ...either });
  await waitFor(async () => (await schemaOf('c1-either')) !== undefined, 'the tool is there');
  expect(await schemaOf('c1-either')).toEqual({
    type: 'object',
    properties: { a: { type: 'string' }, tags: { type: 'array', items: {} } },
  });
});

test('a tool that a client of Anthropic brings has a schema that others take', async () => {
  await using scene = await startModelScene();
  const tools = [{ name: 'mine', input_schema: { type: 'object' } }];
  await scene.gateway.api('POST', '/v1/messages', { model: 'openai/gpt-x', max_tokens: 9, messages: MESSAGES, tools });
  expect(offered(scene)[0]).toEqual({ name: 'mine', schema: { type: 'object', properties: {} } });
});
