import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createKey } from '../kit/keys.ts';
import { startModelScene, type ModelScene } from '../kit/models.ts';

const MESSAGES = [{ role: 'user' as const, content: 'hi' }];

let scene: ModelScene;
beforeAll(async () => {
  scene = await startModelScene();
});
afterAll(() => scene[Symbol.asyncDispose]());
beforeEach(() => scene.models.script({ raw: { status: 200, body: '{"input_tokens": 14, "odd": 1.0}' } }));

const count = (model: string, path = '/v1/messages/count_tokens', headers: Record<string, string> = {}) =>
  fetch(`${scene.gateway.address}${path}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${scene.gateway.apiKey}`, 'anthropic-version': '2023-06-01', ...headers },
    body: JSON.stringify({ model, messages: MESSAGES }),
  });

test('Anthropic counts a request as it would be asked, with the tools of the caller', async () => {
  const { calls } = scene.models;
  const before = calls.length;
  const answer = await count('claude-x', '/anthropic/v1/messages/count_tokens', { 'anthropic-beta': 'some-beta' });
  expect([answer.status, await answer.text()]).toEqual([200, '{"input_tokens": 14, "odd": 1.0}']);
  expect(answer.headers.get('x-asbru-count')).toBe('provider');
  const [call, ...others] = calls.slice(before);
  expect(others).toEqual([]);
  expect(call?.path).toBe('/v1/messages/count_tokens');
  expect(call?.headers).toMatchObject({ 'x-api-key': 'sk-upstream', 'anthropic-beta': 'some-beta' });
  expect(call?.body).toMatchObject({ model: 'claude-x', messages: MESSAGES });
  expect((call?.body['tools'] as { name: string }[] | undefined)?.map(({ name }) => name)).toContain('c1-echo');
});

test('where the provider does not count there is an estimate that says so, and nobody is asked', async () => {
  const before = scene.models.calls.length;
  const answer = await count('openai/gpt-x');
  const { input_tokens } = (await answer.json()) as { input_tokens: number };
  expect(input_tokens).toBeGreaterThan(10);
  expect(answer.headers.get('x-asbru-count')).toBe('estimate');
  const without = await count('openai/gpt-x', undefined, { 'x-bf-mcp-include-tools': '' });
  expect(((await without.json()) as { input_tokens: number }).input_tokens).toBeLessThan(input_tokens);
  expect(scene.models.calls).toHaveLength(before);
});

test('what the provider refuses, and what is no request, is told in its words', async () => {
  const error = { type: 'error', error: { type: 'invalid_request_error', message: 'model: claude-x' } };
  scene.models.script({ raw: { status: 404, body: JSON.stringify(error) } });
  const refused = await count('anthropic/claude-x');
  expect(refused.status).toBe(404);
  expect(await refused.json()).toMatchObject({
    type: 'error',
    error: { message: expect.stringContaining('claude-x') },
  });
  expect((await count('')).status).toBe(400);
});

test('a virtual key counts for the models it may use, within its limits on requests', async () => {
  const key = await createKey(scene.gateway, 'counter', {
    provider_configs: [{ provider: 'anthropic', allowed_models: ['claude-x'], allow_all_keys: true }],
    rate_limit: { request_max_limit: 1, request_reset_duration: '1h' },
  });
  const headers = { authorization: '', 'x-api-key': key.value };
  expect((await count('anthropic/claude-other', undefined, headers)).status).toBe(403);
  expect((await count('anthropic/claude-x', undefined, headers)).status).toBe(200);
  expect((await count('anthropic/claude-x', undefined, headers)).status).toBe(429);
});
