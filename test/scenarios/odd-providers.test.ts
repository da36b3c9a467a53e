import { expect, test } from 'vitest';
import { addProvider, postStream, startModelScene } from '../kit/models.ts';
import { readEvents } from '../kit/wire.ts';

type JsonObject = Record<string, unknown>;

const MESSAGES = { max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] };
const FORMATS = [
  ['chat', '/v1/chat/completions', { ...MESSAGES, model: 'openai/gpt-x' }],
  ['responses', '/v1/responses', { input: 'hi', model: 'openai/gpt-x' }],
  ['messages', '/v1/messages', { ...MESSAGES, model: 'anthropic/claude-x' }],
  ['messages of another provider', '/v1/messages', { ...MESSAGES, model: 'openai/gpt-x' }],
  ['chat of another provider', '/v1/chat/completions', { ...MESSAGES, model: 'anthropic/claude-x' }],
] as const;
const ERROR = { type: 'error', error: { type: 'overloaded_error', message: 'no room', code: 503 } };

test.each(FORMATS)('an error that says 200 is an error, and a fallback is asked: %s', async (_, path, request) => {
  await using scene = await startModelScene();
  const { gateway, models } = scene;
  models.script({ raw: { status: 200, body: JSON.stringify(ERROR) } });
  const refused = await gateway.api('POST', path, request);
  expect(refused.status).toBe(503);
  expect((refused.body['error'] as JsonObject)['message']).toBe('no room');
  models.script({ raw: { status: 200, body: JSON.stringify({ error: 'no room' }) } }, { text: 'fine' });
  const answer = await gateway.api('POST', path, { ...request, fallbacks: ['openai/gpt-y'] });
  expect(answer.status).toBe(200);
  expect(JSON.stringify(answer.body)).toContain('fine');
});

test('a response that failed is an answer', async () => {
  await using scene = await startModelScene();
  const failed = { id: 'r', object: 'response', status: 'failed', error: { code: 'server_error' }, output: [] };
  scene.models.script({ raw: { status: 200, body: JSON.stringify(failed) } });
  const { status, body } = await scene.gateway.api('POST', '/v1/responses', { model: 'openai/gpt-x', input: 'hi' });
  expect([status, body]).toEqual([200, failed]);
});

test.each(FORMATS)('what is no stream is told as an error in it: %s', async (_, path, request) => {
  await using scene = await startModelScene();
  const { gateway, models } = scene;
  for (const [said, body] of [
    ['no room', JSON.stringify(ERROR)],
    ['no event stream', '{"choices": []}'],
  ] as const) {
    models.script({ raw: { status: 200, body } });
    const { text } = await postStream(gateway, path, request);
    const [told, ...more] = readEvents(text);
    expect(more).toEqual([]);
    expect(((JSON.parse(told ?? '{}') as JsonObject)['error'] as JsonObject)['message']).toContain(said);
  }
});

test('a model may have a name of any letters', async () => {
  await using scene = await startModelScene();
  const { gateway } = scene;
  const { status, headers } = await gateway.api('POST', '/v1/chat/completions', { ...MESSAGES, model: 'openai/模型' });
  expect([status, headers.get('x-bf-model')]).toEqual([200, encodeURIComponent('模型')]);
});
