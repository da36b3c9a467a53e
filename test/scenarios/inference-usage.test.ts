import { describe, expect, test } from 'vitest';
import { createKey } from '../kit/keys.ts';
import { addProvider, postStream, startModelScene, type ModelScene } from '../kit/models.ts';
import { waitFor } from '../kit/wait.ts';

type JsonObject = Record<string, unknown>;

const MESSAGES = [{ role: 'user', content: 'hi' }];

/** The one request in the logs, once it is over. */
function rowOf({ gateway }: ModelScene): Promise<JsonObject> {
  return waitFor(async () => {
    const { body } = await gateway.api('GET', '/api/logs');
    const [row] = body['logs'] as JsonObject[];
    return row?.['status'] === 'processing' ? undefined : row;
  }, 'a request in the logs');
}

const whole = (body: JsonObject) => ({ raw: { status: 200, body: JSON.stringify(body) } });

test.each([
  ['chat', '/v1/chat/completions', { messages: MESSAGES }],
  ['responses', '/v1/responses', { input: 'hi' }],
  ['messages', '/v1/messages', { messages: MESSAGES, max_tokens: 9 }],
])('what Claude writes to its cache has its own price, whoever asks: %s', async (_, path, request) => {
  await using scene = await startModelScene();
  await scene.gateway.api('POST', '/api/governance/pricing-overrides', {
    ...{ name: 'Claude', pattern: 'claude-x', match_type: 'exact' },
    patch: { input: 1, output: 1, cache_write: 100 },
  });
  const usage = { input_tokens: 10, cache_creation_input_tokens: 20, cache_read_input_tokens: 0, output_tokens: 5 };
  scene.models.script(whole({ type: 'message', content: [], stop_reason: 'end_turn', usage }));
  await scene.gateway.api('POST', path, { ...request, model: 'anthropic/claude-x' });
  const row = await rowOf(scene);
  expect(row['token_usage']).toMatchObject({ prompt_tokens: 30, prompt_tokens_details: { cached_write_tokens: 20 } });
  expect(row['cost']).toBeCloseTo((10 + 5 + 20 * 100) / 1e6, 9);
});

test.each([
  ['chat', '/v1/chat/completions', { messages: MESSAGES }, 'completion_tokens', 9],
  ['messages', '/v1/messages', { messages: MESSAGES, max_tokens: 9 }, 'output_tokens', 103],
])(
  'thoughts that xAI counts beside its answer are paid like those of others: %s',
  async (_, path, request, name, told) => {
    await using scene = await startModelScene();
    scene.models.script(
      whole({
        choices: [{ index: 0, message: { role: 'assistant', content: 'x' }, finish_reason: 'stop' }],
        usage: {
          ...{ prompt_tokens: 32, completion_tokens: 9, total_tokens: 135 },
          completion_tokens_details: { reasoning_tokens: 94 },
        },
      }),
    );
    await addProvider(scene.gateway, 'cerebras', scene.models.openaiUrl);
    const { body } = await scene.gateway.api('POST', path, { ...request, model: 'cerebras/grok' });
    expect((body['usage'] as JsonObject)[name]).toBe(told);
    expect((await rowOf(scene))['token_usage']).toMatchObject({ completion_tokens: 103, total_tokens: 135 });
  },
);

test('a picture in a stream that breaks off is not counted as if it were text', async () => {
  await using scene = await startModelScene();
  const key = await createKey(scene.gateway, 'k', {
    allow_all_providers: true,
    rate_limit: { token_max_limit: 10_000, token_reset_duration: '1h' },
  });
  const url = `data:image/jpeg;base64,${Buffer.alloc(1_000_000, 'photo').toString('base64')}`;
  const content = [
    { type: 'text', text: 'what is this?' },
    { type: 'image_url', image_url: { url } },
  ];
  const question = { model: 'openai/gpt-x', messages: [{ role: 'user', content }] };
  scene.models.script({ text: 'hello world', breakAfter: 2, delayMs: 20 }, { text: 'fine' });
  const headers = { authorization: `Bearer ${key.value}` };
  await postStream(scene.gateway, '/v1/chat/completions', question, headers);
  const usage = (await rowOf(scene))['token_usage'] as JsonObject;
  expect(usage).toMatchObject({ is_estimate: true });
  expect(usage['prompt_tokens']).toBeLessThan(3_000);
  expect((await scene.gateway.api('POST', '/v1/chat/completions', question, headers)).status).toBe(200);
});

describe('a provider that does not tell what was used', () => {
  const SSE = { 'content-type': 'text/event-stream' };
  const chunk = (delta: JsonObject, finish_reason: string | null = null) =>
    `data: ${JSON.stringify({ id: 'x', choices: [{ index: 0, delta, finish_reason }] })}\n\n`;
  const begun = chunk({ role: 'assistant', content: 'x'.repeat(400) });
  const message = { role: 'assistant', content: 'x'.repeat(400) };
  const answers = {
    whole: whole({ choices: [{ index: 0, message, finish_reason: 'stop' }] }),
    streamed: { raw: { status: 200, headers: SSE, body: begun + chunk({}, 'stop') } },
    'cut off': { raw: { status: 200, headers: SSE, body: begun } },
  };

  test.each(
    (['whole', 'streamed', 'cut off'] as const).flatMap((how) =>
      [
        ['chat', '/v1/chat/completions', { messages: MESSAGES }] as const,
        ['responses', '/v1/responses', { input: 'hi' }] as const,
        ['messages', '/v1/messages', { messages: MESSAGES, max_tokens: 9 }] as const,
      ].map(([format, path, request]) => [format, how, path, request] as const),
    ),
  )('is paid by an estimate: %s, %s', async (_, how, path, request) => {
    await using scene = await startModelScene();
    await addProvider(scene.gateway, 'cerebras', scene.models.openaiUrl);
    scene.models.script(answers[how]);
    const asked = { ...request, model: 'cerebras/m' };
    await (how === 'whole' ? scene.gateway.api('POST', path, asked) : postStream(scene.gateway, path, asked));
    const usage = (await rowOf(scene))['token_usage'] as JsonObject;
    expect(usage).toMatchObject({ is_estimate: true, completion_tokens: 100 });
    expect(usage['prompt_tokens']).toBeGreaterThan(10);
  });
});

test('what Claude told of its cache is what is paid when the caller goes away', async () => {
  await using scene = await startModelScene();
  const usage = { input_tokens: 10, cache_creation_input_tokens: 0, cache_read_input_tokens: 90_000, output_tokens: 1 };
  const events = [
    { type: 'message_start', message: { id: 'm', type: 'message', role: 'assistant', content: [], usage } },
    { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
    { type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text: 'x'.repeat(400) } },
  ];
  const body = events.map((event) => `event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`).join('');
  // It says that more is to come, which never does.
  scene.models.script({
    raw: { status: 200, headers: { 'content-type': 'text/event-stream', 'content-length': '9999' }, body },
  });
  const gone = new AbortController();
  const response = await fetch(`${scene.gateway.address}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${scene.gateway.apiKey}` },
    body: JSON.stringify({ model: 'anthropic/claude-x', messages: MESSAGES, stream: true }),
    signal: gone.signal,
  });
  const decoder = new TextDecoder();
  let text = '';
  for await (const piece of response.body ?? []) {
    text += decoder.decode(piece as Uint8Array, { stream: true });
    if (text.includes('xxx')) break;
  }
  gone.abort();
  expect((await rowOf(scene))['token_usage']).toMatchObject({
    ...{ prompt_tokens: 90_010, prompt_tokens_details: { cached_read_tokens: 90_000 }, completion_tokens: 100 },
  });
});
