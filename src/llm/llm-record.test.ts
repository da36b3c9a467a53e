import { expect, test } from 'vitest';
import { openTestLedger, tokenUsage, unexpected } from '../../test/kit/ledger.ts';
import { ANONYMOUS, type Caller, type KeyPolicy } from '../governance/caller.ts';
import { GatewayError } from '../lib/errors.ts';
import { createLedger } from '../telemetry/ledger.ts';
import { createMetrics } from '../telemetry/metrics.ts';
import type { Tracing } from '../telemetry/spans.ts';
import { createTracing } from '../telemetry/tracing.ts';
import { contentOf, createLlmRecords, type LlmRequest } from './llm-record.ts';

const KEY: KeyPolicy = {
  ...{ id: 'k1', name: 'Key one', team: { id: 't', name: 'Team' }, customer: undefined, limits: undefined },
  ...{
    isActive: true,
    expiresAt: undefined,
    providers: new Map(),
    allowsAllProviders: true,
    disableContentLogging: undefined,
  },
};
const CALLER: Caller = { kind: 'virtual_key', principal: 'virtual-key:k1', name: 'Key one', scopes: [], key: KEY };
const BODY = { model: 'gpt-5', messages: [{ role: 'user', content: 'hi' }], tools: [{ type: 'function' }], n: 1 };
const bytesOf = (body: object): Buffer => Buffer.from(JSON.stringify(body));
const REQUEST: LlmRequest = {
  ...{ caller: CALLER, format: 'chat', provider: 'openai', model: 'gpt-5', requested: 'gpt-5', isStream: true },
  headers: { 'x-request-id': 'mine', 'user-agent': 'sdk', 'x-team': 'blue', authorization: 'Bearer secret' },
  content: () => contentOf('chat', bytesOf(BODY)),
};
const TRACE = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

async function open(more: { settings?: object; tracing?: Tracing } = {}) {
  const store = await openTestLedger('memory');
  const ledger = createLedger({ store, onError: unexpected });
  const metrics = createMetrics({
    ...{
      servers: () => [],
      callsInFlight: () => 0,
      liveFeedClients: () => 0,
      providerKeys: () => [],
      keyRotations: () => [],
    },
    ledger: () => ({ waiting: 0, dropped: 0 }),
  });
  const settings = {
    ...{ disable_content_logging: false, allow_per_request_content_storage_override: false },
    ...{ logging_headers: ['x-team', 'authorization'], ...more.settings },
  };
  const tracing = more.tracing ?? (await createTracing(undefined, unexpected));
  const records = createLlmRecords({ ledger, metrics, tracing, settings: () => settings });
  return {
    ...{ records, metrics },
    async row(id: string) {
      await ledger.flush();
      return store.findLlm(id, 1000);
    },
    async [Symbol.asyncDispose]() {
      await ledger.close();
      await store.close();
    },
  };
}

test('an answer leaves a row with all that is known of it, and its numbers in the metrics', async () => {
  await using scene = await open();
  const record = scene.records.begin({ ...REQUEST, requested: 'fast', parent: 'p', fallbackIndex: 1 });
  expect(scene.records.inFlight).toBe(1);
  record.attempt({ id: 's1', name: 'First' });
  record.attempt({ id: 's2', name: 'Second' });
  record.firstByte();
  record.answered({ usage: tokenUsage(), cost: 5, stopReason: 'stop', output: () => '"hi"' });
  record.failed(new Error('too late'));
  expect(scene.records.inFlight).toBe(0);
  expect(await scene.row(record.id)).toMatchObject({
    ...{ status: 'success', provider: 'openai', model: 'gpt-5', alias: 'fast', object: 'chat_completion', stream: 1 },
    ...{ virtual_key_id: 'k1', team_name: 'Team', principal: 'virtual-key:k1', request_id: 'mine', user_agent: 'sdk' },
    ...{ parent_request_id: 'p', fallback_index: 1, number_of_retries: 1, selected_key_name: 'Second', cost: 5 },
    ...{ input: '[{"role":"user","content":"hi"}]', params: '{"model":"gpt-5","n":1}', output: '"hi"' },
    ...{ tools: '[{"type":"function"}]', metadata: '{"x-team":"blue"}', first_byte: expect.any(Number) as number },
  });
  const text = await scene.metrics.render();
  const labels = 'provider="openai",model="gpt-5",method="chat_completion",virtual_key_id="k1"';
  expect(text).toContain(`bifrost_success_requests_total{${labels}`);
  expect(text).toMatch(/^bifrost_input_tokens_total\{.*\} 100$/m);
  expect(text).toMatch(/^bifrost_output_tokens_total\{.*\} 20$/m);
  expect(text).toMatch(/^bifrost_cost_total\{provider=.*\} 5e-9$/m);
  expect(text).toMatch(/^bifrost_request_retries\{.*\} 1$/m);
  expect(text).toMatch(/^bifrost_stream_first_token_latency_seconds_count\{.*\} 1$/m);
});

test('a failure costs nothing, unless something came before it', async () => {
  await using scene = await open();
  const refused = scene.records.begin(REQUEST);
  refused.failed(new GatewayError('budget_exceeded', 'no money'));
  const broken = scene.records.begin(REQUEST);
  broken.failed(new GatewayError('upstream_timeout', 'silence'), {
    ...{ usage: tokenUsage({ is_estimate: true }), cost: undefined, output: () => '"half' },
  });
  expect(await scene.row(refused.id)).toMatchObject({
    ...{ status: 'error', error_code: 'budget_exceeded', cost: 0, total_tokens: null },
    ...{ number_of_retries: 0, selected_key_id: null },
  });
  expect(await scene.row(broken.id)).toMatchObject({
    ...{ status: 'error', error_code: 'upstream_timeout', cost: null, total_tokens: 120, is_estimate: 1 },
    output: '"half',
  });
  const text = await scene.metrics.render();
  expect(text).toMatch(/^bifrost_error_requests_total\{.*error_type="budget_exceeded"\} 1$/m);
  expect(text).toMatch(/^asbru_cost_unknown_requests_total\{.*\} 1$/m);
});

test.each([
  ['the gateway', { disable_content_logging: true }, undefined, {}, false],
  ['the key, which beats the gateway', { disable_content_logging: true }, false, {}, true],
  ['the key', {}, true, {}, false],
  ['the request, which may not', {}, undefined, { 'x-bf-disable-content-logging': 'true' }, true],
  [
    ...(['the request, which beats the key', { allow_per_request_content_storage_override: true }, true] as const),
    ...([{ 'x-bf-disable-content-logging': 'false' }, true] as const),
  ],
])('content is kept or not as %s says', async (_, settings, disableContentLogging, headers, isKept) => {
  await using scene = await open({ settings });
  const caller = { ...CALLER, key: { ...KEY, disableContentLogging } };
  const record = scene.records.begin({ ...REQUEST, caller, headers });
  record.answered({ usage: undefined, cost: undefined, output: () => '"hi"' });
  const row = await scene.row(record.id);
  const texts = [row?.input, row?.params, row?.tools, row?.output];
  expect(texts.every((text) => (text === null) === !isKept)).toBe(true);
});

test('an anonymous caller, and a body of another format, are recorded too', async () => {
  await using scene = await open();
  const body = { model: 'opus', system: 'Be brief.', messages: [], max_tokens: 5 };
  const record = scene.records.begin({
    ...{ ...REQUEST, caller: ANONYMOUS, format: 'messages', provider: 'anthropic', model: 'opus', requested: 'opus' },
    content: () => contentOf('messages', bytesOf(body)),
  });
  record.answered({ usage: undefined, cost: undefined });
  expect(await scene.row(record.id)).toMatchObject({
    ...{ virtual_key_id: '', principal: 'anonymous', alias: null, object: 'messages' },
    ...{ input: '{"instructions":"Be brief.","messages":[]}', params: '{"model":"opus","max_tokens":5}', tools: null },
  });
  expect(contentOf('embeddings', bytesOf({ input: ['a'] }))).toMatchObject({ input: '["a"]' });
});

test('the provider joins the trace that the caller is in, and the row says which that is', async () => {
  await using scene = await open();
  const record = scene.records.begin({ ...REQUEST, headers: { traceparent: TRACE } });
  expect(record.trace).toEqual({ traceparent: TRACE });
  record.failed(new Error('x'));
  const row = await scene.row(record.id);
  expect(row?.error_message).toBe('internal error');
  expect(JSON.parse(row?.metadata ?? '')).toEqual({ trace_id: TRACE.split('-')[1] });
});
