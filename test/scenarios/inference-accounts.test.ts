import { expect, test } from 'vitest';
import { postStream, startModelScene, type ModelScene } from '../kit/models.ts';
import { waitFor } from '../kit/wait.ts';

type JsonObject = Record<string, unknown>;

const QUESTION = { model: 'openai/gpt-x', messages: [{ role: 'user', content: 'hi' }] };
/** USD per million tokens. */
const PRICE = {
  name: 'x',
  pattern: 'gpt-x',
  match_type: 'exact',
  patch: { input: 1000, output: 10_000 },
};

async function createKey({ gateway }: ModelScene, settings: JsonObject): Promise<Record<string, string>> {
  const body = { name: 'k', allow_all_providers: true, ...settings };
  const answer = await gateway.api('POST', '/api/governance/virtual-keys', body);
  return { authorization: '', 'x-bf-vk': (answer.body['virtual_key'] as { value: string }).value };
}

/** The rows of requests to models, oldest first, when there are so many of them. */
function rowsOf({ gateway }: ModelScene, count: number): Promise<JsonObject[]> {
  return waitFor(async () => {
    const { body } = await gateway.api('GET', '/api/logs?order=asc');
    const rows = body['logs'] as JsonObject[];
    return rows.length === count && rows.every(({ status }) => status !== 'processing') && rows;
  }, `${count} rows`);
}

test('every round and every call of a run has its row, tied together', async () => {
  await using scene = await startModelScene({ client: { tools_to_auto_execute: ['echo'] } });
  const { gateway, models } = scene;
  models.script({ calls: [{ name: 'c1-echo', args: { text: 'ping' } }] }, { text: 'done' });
  await gateway.api('POST', '/v1/chat/completions', QUESTION, { 'x-request-id': 'mine' });
  const [first, second] = await rowsOf(scene, 2);
  expect(first).toMatchObject({ provider: 'openai', model: 'gpt-x', object: 'chat_completion', status: 'success' });
  expect(first).toMatchObject({ token_usage: { prompt_tokens: 11, completion_tokens: 7 }, stop_reason: 'tool_calls' });
  expect(second).toMatchObject({
    parent_request_id: first?.['id'],
    stop_reason: 'stop',
    selected_key_name: 'openai-1',
  });
  const { body } = await gateway.api('GET', `/api/mcp-logs?llm_request_ids=${String(first?.['id'])}`);
  expect(body['logs']).toMatchObject([{ tool_name: 'echo', llm_request_id: first?.['id'] }]);
  const { body: detail } = await gateway.api('GET', `/api/logs/${String(second?.['id'])}`);
  expect(JSON.stringify(detail)).toContain('done');
});

test('a stream is charged to the key by its tokens and its price, asked for or not', async () => {
  await using scene = await startModelScene();
  const { gateway } = scene;
  const priced = await gateway.api('POST', '/api/governance/pricing-overrides', PRICE);
  expect(priced.status, JSON.stringify(priced.body)).toBe(200);
  const budgets = [{ max_limit: 100, reset_duration: '1d' }];
  const headers = await createKey(scene, {
    budgets,
    rate_limit: { token_max_limit: 1000, token_reset_duration: '1d' },
  });
  await postStream(gateway, '/v1/chat/completions', QUESTION, headers);
  const [row] = await rowsOf(scene, 1);
  expect(row).toMatchObject({ stream: true, token_usage: { total_tokens: 18 } });
  expect(row?.['cost']).toBeCloseTo(11 * 1e-3 + 7 * 1e-2, 9);
  const quota = await gateway.api('GET', '/api/governance/virtual-keys/quota', undefined, headers);
  expect(quota.body).toMatchObject({ rate_limit: { token_current_usage: 18 } });
  const [budget] = quota.body['budgets'] as { current_usage: number }[];
  expect(budget?.current_usage).toBeCloseTo(0.081, 9);
});

test('a spent budget or token limit refuses before the provider is asked, in the words of each format', async () => {
  await using scene = await startModelScene();
  const { gateway, models } = scene;
  const limits = { rate_limit: { token_max_limit: 10, token_reset_duration: '1d' } };
  const headers = await createKey(scene, limits);
  expect(await gateway.api('POST', '/v1/chat/completions', QUESTION, headers)).toMatchObject({ status: 200 });
  const refused = await gateway.api('POST', '/v1/chat/completions', QUESTION, headers);
  expect(refused).toMatchObject({ status: 429, body: { type: 'token_limited' } });
  expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
  const claude = { ...QUESTION, model: 'claude-x', max_tokens: 9 };
  const other = await gateway.api('POST', '/anthropic/v1/messages', claude, headers);
  expect(other).toMatchObject({ status: 429, body: { type: 'error', error: { type: 'rate_limit_error' } } });
  expect(models.calls).toHaveLength(1);
});

test('an unknown price is unknown, and not nothing', async () => {
  await using scene = await startModelScene();
  await scene.gateway.api('POST', '/v1/chat/completions', { ...QUESTION, model: 'openai/nobody-knows' });
  const [row] = await rowsOf(scene, 1);
  expect(row).toMatchObject({ cost: null, cost_unknown: true });
});

test('a fallback has a row of its own beside the failure before it', async () => {
  await using scene = await startModelScene();
  const { gateway, models } = scene;
  models.script({ raw: { status: 503, body: '{"error":{"message":"down"}}' } }, { text: 'ok' });
  const answer = await gateway.api('POST', '/v1/chat/completions', { ...QUESTION, fallbacks: ['anthropic/claude-x'] });
  expect(answer.status).toBe(200);
  const [failed, good] = await rowsOf(scene, 2);
  expect(failed).toMatchObject({ status: 'error', provider: 'openai', fallback_index: 0 });
  expect(good).toMatchObject({
    status: 'success',
    provider: 'anthropic',
    fallback_index: 1,
    parent_request_id: failed?.['id'],
  });
});

test('a stream that breaks off is told to the caller, recorded as an error, and charged by an estimate', async () => {
  await using scene = await startModelScene();
  const { gateway, models } = scene;
  models.script({ text: 'half of it', breakAfter: 2, delayMs: 20 });
  const { text } = await postStream(gateway, '/v1/chat/completions', QUESTION);
  expect(text).toContain('provider_unreachable');
  const [row] = await rowsOf(scene, 1);
  expect(row).toMatchObject({ status: 'error', token_usage: { is_estimate: true } });
});

test('of many requests at once on the last of a budget, no more are let through than it could pay', async () => {
  await using scene = await startModelScene();
  const { gateway, models } = scene;
  await gateway.api('POST', '/api/governance/pricing-overrides', PRICE);
  // Each is expected to cost 0.3 USD at the most.
  const headers = await createKey(scene, { budgets: [{ max_limit: 0.5, reset_duration: '1d' }] });
  // Long enough for all to have come before the first is settled and leaves room for another.
  models.script({ text: 'ok', delayMs: 1_000 });
  const body = { ...QUESTION, max_tokens: 28 };
  const answers = await Promise.all(
    Array.from({ length: 10 }, () => gateway.api('POST', '/v1/chat/completions', body, headers)),
  );
  expect(answers.filter(({ status }) => status === 200)).toHaveLength(2);
  expect(answers.filter(({ status }) => status === 402)).toHaveLength(8);
});
