import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import type { FoundModels } from '../../src/contract/model.ts';
import type { ProviderView } from '../../src/contract/provider.ts';
import { startGateway, type TestGateway } from '../kit/gateway.ts';
import { listenOnLoopback } from '../kit/http-host.ts';
import { startModelServer, type ModelServer } from '../kit/model-server.ts';
import { addProvider } from '../kit/models.ts';

const SECRET = 'sk-canary-of-a-provider';

function key(name: string, more: object = {}) {
  return { name, value: SECRET, models: ['*'], ...more };
}

function lists(models: ModelServer, ...names: string[]): void {
  models.script({ raw: { status: 200, body: JSON.stringify({ data: names.map((id) => ({ id })) }) } });
}

async function find(gateway: TestGateway, query = ''): Promise<FoundModels> {
  const { status, body } = await gateway.api('GET', `/api/models?${query}`);
  expect({ status, body }).toMatchObject({ status: 200 });
  expect(JSON.stringify(body)).not.toContain('canary');
  return body as FoundModels;
}

/** The names of what is found, with the provider. */
async function names(gateway: TestGateway, query?: string): Promise<string[]> {
  return (await find(gateway, query)).models.map(({ provider, name }) => `${provider}/${name}`);
}

/** The ids of the keys of a provider by their names. */
async function keyIds(gateway: TestGateway, provider: string): Promise<Record<string, string>> {
  const { keys } = (await gateway.api('GET', `/api/providers/${provider}`)).body as ProviderView;
  return Object.fromEntries(keys.map(({ id, name }) => [name, id]));
}

test('models are those that providers list and keys name, each with the keys that may be used for it', async () => {
  await using models = await startModelServer();
  lists(models, 'gpt-5', 'gpt-5-mini', 'o4');
  await using gateway = await startGateway();
  await addProvider(gateway, 'openai', models.openaiUrl, {
    keys: [
      key('all', { blacklisted_models: ['gpt-5'] }),
      key('some', { models: ['regex:gpt-.*'], aliases: { 'gpt-best': 'gpt-5' } }),
      key('off', { enabled: false, models: ['old'] }),
    ],
  });
  await addProvider(gateway, 'groq', models.openaiUrl, { keys: [key('g', { models: ['groq/llama'] })] });
  const ids = { ...(await keyIds(gateway, 'openai')), ...(await keyIds(gateway, 'groq')) };
  expect(await find(gateway, 'limit=10')).toEqual({
    models: [
      { provider: 'groq', name: 'llama', accessible_by_keys: [ids['g']] },
      { provider: 'openai', name: 'gpt-5', accessible_by_keys: [ids['some']] },
      { provider: 'openai', name: 'gpt-5-mini', accessible_by_keys: [ids['all'], ids['some']] },
      { provider: 'openai', name: 'gpt-best', accessible_by_keys: [ids['all'], ids['some']] },
      { provider: 'openai', name: 'o4', accessible_by_keys: [ids['all']] },
      { provider: 'openai', name: 'old', accessible_by_keys: [ids['all']] },
    ],
    total: 6,
    problems: [],
  });
});

test('a search takes words in any case, one provider, certain keys and a limit, and tells how many there are', async () => {
  await using models = await startModelServer();
  lists(models, 'GPT-5', 'gpt-5-mini', 'my-gpt-5', 'o3', 'o4', 'o5');
  await using gateway = await startGateway();
  await addProvider(gateway, 'openai', models.openaiUrl, { keys: [key('all'), key('o', { models: ['regex:o.'] })] });
  await addProvider(gateway, 'groq', models.openaiUrl, { keys: [key('g')] });
  expect(await names(gateway)).toHaveLength(5);
  expect((await find(gateway)).total).toBe(12);
  expect(await names(gateway, 'provider=openai&query=gpt-5')).toEqual([
    'openai/GPT-5',
    'openai/gpt-5-mini',
    'openai/my-gpt-5',
  ]);
  expect(await names(gateway, 'query=mini+OpenAI')).toEqual(['openai/gpt-5-mini']);
  expect(await find(gateway, 'query=gpt-5&limit=1')).toMatchObject({
    models: [{ provider: 'groq', name: 'GPT-5' }],
    total: 6,
  });
  // What begins with it comes before what has it somewhere, whoever's it is.
  expect(await names(gateway, 'query=gpt-5')).toEqual([
    'groq/GPT-5',
    'groq/gpt-5-mini',
    'openai/GPT-5',
    'openai/gpt-5-mini',
    'groq/my-gpt-5',
  ]);
  const ids = { ...(await keyIds(gateway, 'openai')), ...(await keyIds(gateway, 'groq')) };
  expect(await names(gateway, `keys=${ids['o']}`)).toEqual(['openai/o3', 'openai/o4', 'openai/o5']);
  expect((await find(gateway, `keys=${ids['o']},${ids['g']}`)).total).toBe(9);
  expect(await find(gateway, `keys=${ids['o']}&provider=groq`)).toMatchObject({ models: [], total: 0 });
  expect(await names(gateway, 'query=nothing')).toEqual([]);
});

test('what no key may be used for is shown only unfiltered', async () => {
  await using models = await startModelServer();
  lists(models, 'gpt-5', 'o4');
  await using gateway = await startGateway();
  await addProvider(gateway, 'openai', models.openaiUrl, {
    keys: [key('named', { models: ['gpt-5'] }), key('off', { models: ['old'], enabled: false })],
  });
  expect(await names(gateway)).toEqual(['openai/gpt-5']);
  expect(models.calls).toHaveLength(0);
  const [{ named }, { models: found }] = [await keyIds(gateway, 'openai'), await find(gateway, 'unfiltered=true')];
  expect(found).toEqual([
    { provider: 'openai', name: 'gpt-5', accessible_by_keys: [named] },
    { provider: 'openai', name: 'o4', accessible_by_keys: [] },
    { provider: 'openai', name: 'old', accessible_by_keys: [] },
  ]);
  expect(await names(gateway, `unfiltered=true&keys=${named}`)).toEqual(['openai/gpt-5']);
});

test('a provider that wants no key has its models without any', async () => {
  await using models = await startModelServer();
  lists(models, 'llama');
  await using gateway = await startGateway();
  await addProvider(gateway, 'ollama', models.openaiUrl, { keys: [] });
  expect((await find(gateway)).models).toEqual([{ provider: 'ollama', name: 'llama', accessible_by_keys: [] }]);
});

test('a provider that refuses, is away or does not answer is named, and the others are there without it', async () => {
  await using models = await startModelServer();
  lists(models, 'gpt-5');
  await using refusing = await startModelServer();
  refusing.script({ raw: { status: 401, body: JSON.stringify({ error: { message: `wrong key ${SECRET}` } }) } });
  await using odd = await startModelServer();
  odd.script({ raw: { status: 200, body: `["${SECRET}"]` } });
  const held: ServerResponse[] = [];
  const silent = await listenOnLoopback((_, response) => void held.push(response));
  await using away = await startModelServer();
  await using gateway = await startGateway();
  await addProvider(gateway, 'openai', models.openaiUrl);
  await addProvider(gateway, 'groq', refusing.openaiUrl, {
    keys: [key('g'), key('h', { models: ['llama'] })],
  });
  await addProvider(gateway, 'mistral', odd.openaiUrl, { keys: [key('m')] });
  await addProvider(gateway, 'xai', `${silent.origin}/v1`, { keys: [key('x', { models: ['regex:grok.*', 'grok'] })] });
  await addProvider(gateway, 'cerebras', away.openaiUrl, { keys: [key('c')] });
  await addProvider(gateway, 'vllm', '', { keys: [] });
  await away[Symbol.asyncDispose]();
  const ids = await keyIds(gateway, 'groq');
  const { models: found, problems } = await find(gateway);
  expect(found.map(({ provider, name }) => `${provider}/${name}`)).toEqual(['groq/llama', 'openai/gpt-5', 'xai/grok']);
  expect(problems.map(({ provider }) => provider)).toEqual(['groq', 'mistral', 'xai', 'cerebras', 'vllm']);
  expect(problems[0]).toEqual({
    ...{ provider: 'groq', key_id: ids['g'] },
    message: 'HTTP 401 for the list of models',
  });
  expect(problems[1]?.message).toBe('the list of models is not a JSON object');
  expect(problems[2]?.message).toContain('did not list its models in time');
  expect(problems[3]?.message).toContain('provider cerebras: cannot connect');
  expect(problems[4]).toEqual({ provider: 'vllm', message: expect.stringContaining('network_config.base_url') });
  // What comes late was not for nothing.
  held[0]?.end('{"data":[{"id":"grok-5"}]}');
  expect(await find(gateway, 'provider=xai')).toMatchObject({
    models: [{ name: 'grok' }, { name: 'grok-5' }],
    problems: [],
  });
  expect(held).toHaveLength(1);
  await silent.stop();
});

test('lists are kept, until a provider is changed', async () => {
  await using models = await startModelServer();
  lists(models, 'gpt-5');
  await using gateway = await startGateway();
  await addProvider(gateway, 'openai', models.openaiUrl);
  expect(await names(gateway)).toEqual(['openai/gpt-5']);
  lists(models, 'gpt-6');
  expect(await names(gateway)).toEqual(['openai/gpt-5']);
  expect((await gateway.api('GET', '/v1/models')).body).toMatchObject({ data: [{ id: 'openai/gpt-5' }] });
  expect(models.calls).toHaveLength(1);
  await gateway.api('PUT', '/api/providers/openai', { network_config: { base_url: models.openaiUrl } });
  expect(await names(gateway)).toEqual(['openai/gpt-6']);
});

test.each([
  ['limit', '0', 'must be 1 to 1000'],
  ['limit', '1001', 'must be 1 to 1000'],
  ['limit', 'many', 'must be a number'],
  ['unfiltered', 'perhaps', 'must be a boolean'],
  ['query', 'x'.repeat(257), 'must be at most 256 characters'],
  ['provider', 'nobody', 'GET /api/providers lists them'],
  ['keys', 'nothing', 'GET /api/keys lists them'],
])('a wrong %s is refused with what is right', async (field, value, rule) => {
  await using gateway = await startGateway();
  const { status, body } = await gateway.api('GET', `/api/models?${field}=${value}`);
  const { message } = body['error'] as { message: string };
  expect([status, message]).toEqual([400, expect.stringMatching(new RegExp(`${field}.*${rule}`))]);
});

test('whoever may read finds models, nobody does without a credential', async () => {
  await using gateway = await startGateway();
  const { body } = await gateway.api('POST', '/api/api-keys', { name: 'reader', scopes: ['read'] });
  const authorization = `Bearer ${String((body['api_key'] as { key?: string }).key ?? body['key'])}`;
  const empty = { models: [], total: 0, problems: [] };
  expect(await gateway.api('GET', '/api/models', undefined, { authorization })).toMatchObject({ body: empty });
  expect((await gateway.api('GET', '/api/models', undefined, { authorization: '' })).status).toBe(401);
  const mcp = await gateway.api('POST', '/api/api-keys', { name: 'caller', scopes: ['mcp'] });
  const other = `Bearer ${String((mcp.body['api_key'] as { key?: string }).key ?? mcp.body['key'])}`;
  expect((await gateway.api('GET', '/api/models', undefined, { authorization: other })).status).toBe(403);
});
