import { expect, test } from 'vitest';
import { decodeHeader } from '../../src/lib/header-value.ts';
import { addProvider, addTwoKeys, postStream, refusal, startModelScene } from '../kit/models.ts';

const QUESTION = { model: 'openai/gpt-x', messages: [{ role: 'user', content: 'hi' }] };

test('a chat request reaches the provider as it was sent, but for the name of the model', async () => {
  await using scene = await startModelScene();
  const { gateway, models } = scene;
  models.script({ raw: { status: 200, body: '{"id":"x", "choices":[ ],"usage":null, "odd": 1.0}' } });
  const sent =
    '{ "model":"openai/gpt-x" ,"messages":[{"role":"user","content":"hi"}],"temperature":0.10,"odd":{"a":[1, 2]}}';
  const answer = await fetch(`${gateway.address}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.apiKey}`, 'x-bf-mcp-include-tools': '' },
    body: sent,
  });
  expect(await answer.text()).toBe('{"id":"x", "choices":[ ],"usage":null, "odd": 1.0}');
  const [call] = models.calls;
  expect(call?.bytes.toString()).toBe(sent.replace('openai/gpt-x', 'gpt-x'));
  expect(call?.path).toBe('/v1/chat/completions');
  expect(call?.headers.authorization).toBe('Bearer sk-upstream');
});

test('a stream passes unchanged', async () => {
  await using scene = await startModelScene();
  const { gateway, models } = scene;
  const stream =
    'data: {"id":"a","choices":[{"index":0,"delta":{"content":"h"}}], "x":1.0}\n\n: ping\n\ndata: [DONE]\n\n';
  models.script({ raw: { status: 200, headers: { 'content-type': 'text/event-stream' }, body: stream } });
  const { status, text } = await postStream(gateway, '/v1/chat/completions', QUESTION);
  expect(status).toBe(200);
  expect(text).toBe(stream);
});

test('usage is counted without showing it to those who did not ask for it', async () => {
  await using scene = await startModelScene();
  const { gateway, models } = scene;
  const quiet = await postStream(gateway, '/v1/chat/completions', QUESTION);
  expect(models.calls[0]?.body['stream_options']).toEqual({ include_usage: true });
  expect(quiet.text).not.toContain('prompt_tokens');
  expect(quiet.text.endsWith('data: [DONE]\n\n')).toBe(true);
  const asked = await postStream(gateway, '/v1/chat/completions', {
    ...QUESTION,
    stream_options: { include_usage: true },
  });
  expect(asked.text).toContain('"prompt_tokens":11');
});

test('the tools that the caller may use are added to a request, in order', async () => {
  await using scene = await startModelScene();
  const { gateway, models } = scene;
  await gateway.api('POST', '/v1/chat/completions', QUESTION);
  const tools = models.calls[0]?.body['tools'] as { function: { name: string } }[];
  const names = tools.map((tool) => tool.function.name);
  expect(names).toContain('c1-echo');
  expect(names).toEqual(names.toSorted());
});

test('a call that needs nobody is run, and the model is asked again', async () => {
  await using scene = await startModelScene({ client: { tools_to_auto_execute: ['echo'] } });
  const { gateway, models } = scene;
  models.script({ calls: [{ id: 'k1', name: 'c1-echo', args: { text: 'ping' } }] }, { text: 'done' });
  const { status, body } = await gateway.api('POST', '/v1/chat/completions', QUESTION);
  expect(status, JSON.stringify(body)).toBe(200);
  const [choice] = body['choices'] as { message: { content: string } }[];
  expect(choice?.message.content).toBe('done');
  expect(body['usage']).toMatchObject({ prompt_tokens: 22, completion_tokens: 14 });
  const messages = models.calls[1]?.body['messages'] as unknown[];
  expect(messages).toHaveLength(3);
  expect(messages[2]).toMatchObject({
    role: 'tool',
    tool_call_id: 'k1',
    content: expect.stringContaining('ping') as string,
  });
});

test('models are listed as they are asked for: what keys name, else what the provider says', async () => {
  await using scene = await startModelScene();
  const { gateway, models } = scene;
  models.script({ raw: { status: 200, body: '{"data":[{"id":"gpt-x","created":5},{"id":"gpt-y"}]}' } });
  await addProvider(gateway, 'groq', models.openaiUrl, {
    keys: [{ name: 'g', value: 'k', models: ['llama'], weight: 1 }],
  });
  const { body } = await gateway.api('GET', '/v1/models');
  expect((body['data'] as { id: string }[]).map(({ id }) => id)).toEqual([
    'anthropic/gpt-x',
    'anthropic/gpt-y',
    'groq/llama',
    'openai/gpt-x',
    'openai/gpt-y',
  ]);
  const own = await gateway.api('GET', '/openai/v1/models?provider=openai');
  expect((own.body['data'] as { id: string }[]).map(({ id }) => id)).toEqual(['gpt-x', 'gpt-y']);
});

test('a provider that cannot be reached for its models is called a provider', async () => {
  await using scene = await startModelScene();
  const { gateway, models } = scene;
  await models[Symbol.asyncDispose]();
  const answer = await gateway.api('GET', '/v1/models?provider=openai');
  expect(answer).toMatchObject({ status: 502, body: { type: 'provider_unreachable' } });
  expect(JSON.stringify(answer.body)).toContain('provider openai: cannot connect');
});

test('a virtual key lists and asks only the models it may use', async () => {
  await using scene = await startModelScene();
  const { gateway, models } = scene;
  models.script({ raw: { status: 200, body: '{"data":[{"id":"gpt-x"},{"id":"gpt-y"}]}' } });
  const created = await gateway.api('POST', '/api/governance/virtual-keys', {
    name: 'k',
    provider_configs: [{ provider: 'openai', allowed_models: ['gpt-x'], allow_all_keys: true }],
  });
  const { value } = created.body['virtual_key'] as { value: string };
  const headers = { authorization: '', 'x-bf-vk': value };
  const listed = await gateway.api('GET', '/v1/models', undefined, headers);
  expect((listed.body['data'] as { id: string }[]).map(({ id }) => id)).toEqual(['openai/gpt-x']);
  models.script({ text: 'hello' });
  const ask = (model: string) => gateway.api('POST', '/v1/chat/completions', { ...QUESTION, model }, headers);
  expect(await ask('openai/gpt-x')).toMatchObject({ status: 200 });
  expect(await ask('openai/gpt-y')).toMatchObject({ status: 403, body: { type: 'model_blocked' } });
  expect(await ask('anthropic/claude')).toMatchObject({ status: 403, body: { type: 'provider_blocked' } });
  expect(await ask('nobody/claude')).toMatchObject({ status: 400, body: { type: 'model_not_found' } });
});

test('the model that was asked for is refused aloud, though a fallback on the same provider could be used', async () => {
  await using scene = await startModelScene();
  const { gateway, models } = scene;
  const created = await gateway.api('POST', '/api/governance/virtual-keys', {
    name: 'k',
    provider_configs: [{ provider: 'openai', allowed_models: ['gpt-x'], allow_all_keys: true }],
  });
  const headers = { authorization: '', 'x-bf-vk': (created.body['virtual_key'] as { value: string }).value };
  const ask = (model: string, fallbacks: string[]) =>
    gateway.api('POST', '/v1/chat/completions', { ...QUESTION, model, fallbacks }, headers);
  expect(await ask('openai/gpt-y', ['openai/gpt-x'])).toMatchObject({ status: 403, body: { type: 'model_blocked' } });
  expect(models.calls).toHaveLength(0);
  // A fallback that may not be used is none.
  expect(await ask('openai/gpt-x', ['openai/gpt-y', 'nobody/gpt-z'])).toMatchObject({ status: 200 });
});

test('what a provider says of an error is passed on with its status', async () => {
  await using scene = await startModelScene();
  const { gateway, models } = scene;
  const error = {
    message: 'too long',
    type: 'invalid_request_error',
    param: 'messages',
    code: 'context_length_exceeded',
  };
  models.script({ raw: { status: 400, body: JSON.stringify({ error }) } });
  const { status, body } = await gateway.api('POST', '/v1/chat/completions', QUESTION);
  expect(status).toBe(400);
  expect(body['error']).toEqual(error);
  const message = { type: 'error', error: { type: 'overloaded_error', message: 'busy' } };
  models.script({ raw: { status: 529, body: JSON.stringify(message) } });
  const other = await gateway.api('POST', '/anthropic/v1/messages', { ...QUESTION, model: 'claude-x', max_tokens: 5 });
  expect(other).toMatchObject({ status: 529, body: message });
});

test('a key that the provider refuses is left for another one, and one that must slow down is rested', async () => {
  await using scene = await startModelScene();
  const { models } = scene;
  const { ask } = await addTwoKeys(scene);
  const used = () => models.calls.map(({ headers }) => headers.authorization);
  models.script(refusal(401), { text: 'ok' });
  expect(await ask()).toMatchObject({ status: 200 });
  expect(used()).toEqual(['Bearer sk-a', 'Bearer sk-b']);
  models.script(refusal(429), { text: 'ok' });
  expect(await ask()).toMatchObject({ status: 200 });
  expect(used().slice(2)).toEqual(['Bearer sk-a', 'Bearer sk-b']);
  models.script(refusal(403));
  expect(await ask()).toMatchObject({ status: 502, body: { type: 'upstream_credentials_exhausted' } });
});

test('a provider gets no more requests at once than it should, and those that find no room are told', async () => {
  await using scene = await startModelScene();
  const { gateway, models } = scene;
  const bounds = { concurrency: 1, buffer_size: 1 };
  await addProvider(gateway, 'xai', models.openaiUrl, { concurrency_and_buffer_size: bounds });
  models.script({ text: 'slow', delayMs: 100 });
  const ask = () => gateway.api('POST', '/v1/chat/completions', { ...QUESTION, model: 'xai/grok' });
  const answers = await Promise.all([ask(), ask(), ask()]);
  expect(answers.map(({ status }) => status).toSorted((a, b) => a - b)).toEqual([200, 200, 503]);
  expect(answers.find(({ status }) => status === 503)?.body['type']).toBe('provider_busy');
  expect(await ask()).toMatchObject({ status: 200 });
});

test('a model may have a name that no header can hold: it is written as MCP writes such values', async () => {
  await using scene = await startModelScene();
  const { gateway, models } = scene;
  for (const name of ['通义-7b', 'one\ntwo']) {
    const question = { ...QUESTION, model: `openai/${name}` };
    const { status, headers, body } = await gateway.api('POST', '/v1/chat/completions', question);
    expect(status, JSON.stringify(body)).toBe(200);
    expect(decodeHeader(headers.get('x-bf-model') ?? '')).toBe(name);
    const stream = await postStream(gateway, '/v1/chat/completions', question);
    expect(stream.text).toContain('data: [DONE]');
    expect(stream.headers.get('x-bf-model')).toBe(headers.get('x-bf-model'));
    expect(models.calls.at(-1)?.body).toMatchObject({ model: name });
  }
});
