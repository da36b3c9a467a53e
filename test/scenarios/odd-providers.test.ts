import { expect, test } from 'vitest';
import { addProvider, FORMATS, postStream, QUESTION, startModelScene } from '../kit/models.ts';
import { readEvents, requestHeaders } from '../kit/wire.ts';

type JsonObject = Record<string, unknown>;

const WAYS = [
  ...FORMATS,
  ['messages of another provider', '/v1/messages', { ...QUESTION, model: 'openai/gpt-x' }],
  ['chat of another provider', '/v1/chat/completions', { ...QUESTION, model: 'anthropic/claude-x' }],
] as const;
const ERROR = { type: 'error', error: { type: 'overloaded_error', message: 'no room', code: 503 } };

test.each(WAYS)('an error that says 200 is an error, and a fallback is asked: %s', async (_, path, request) => {
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

test.each([
  ['seconds', () => '120'],
  ['a date', () => new Date(Date.now() + 120_000).toUTCString()],
])('how long a provider wants to be left alone is told in seconds, also when it said so as %s', async (_, field) => {
  await using scene = await startModelScene();
  const headers = { 'content-type': 'application/json', 'retry-after': field() };
  scene.models.script({ raw: { status: 429, headers, body: '{"error":{"message":"too many"}}' } });
  const refused = await scene.gateway.api('POST', '/v1/chat/completions', { ...QUESTION, model: 'openai/gpt-x' });
  const seconds = (refused.body['extra_fields'] as JsonObject)['retry_after'];
  expect([refused.status, refused.headers.get('retry-after')]).toEqual([429, String(seconds)]);
  expect(seconds).toBeGreaterThan(60);
  expect(seconds).toBeLessThanOrEqual(120);
});

test('a response that failed is an answer', async () => {
  await using scene = await startModelScene();
  const failed = { id: 'r', object: 'response', status: 'failed', error: { code: 'server_error' }, output: [] };
  scene.models.script({ raw: { status: 200, body: JSON.stringify(failed) } });
  const { status, body } = await scene.gateway.api('POST', '/v1/responses', { model: 'openai/gpt-x', input: 'hi' });
  expect([status, body]).toEqual([200, failed]);
});

test.each(WAYS)('what is no stream is told as an error in it: %s', async (_, path, request) => {
  await using scene = await startModelScene();
  const { gateway, models } = scene;
  for (const [said, body] of [
    ['no room', JSON.stringify(ERROR)],
    ['no event stream', '{"choices": []}'],
    ['no event stream', '<html><body>Sign in</body></html>'],
  ] as const) {
    models.script({ raw: { status: 200, body } });
    const { text } = await postStream(gateway, path, request);
    const [told, ...more] = readEvents(text);
    expect(more).toEqual([]);
    expect(((JSON.parse(told ?? '{}') as JsonObject)['error'] as JsonObject)['message']).toContain(said);
  }
});

test('Mistral, which refuses what it does not know, gets none of it', async () => {
  await using scene = await startModelScene();
  const { gateway, models } = scene;
  await addProvider(gateway, 'mistral', models.openaiUrl);
  const model = 'mistral/devstral';
  const options = { stream_options: { include_usage: true } };
  const effort = { text: { verbosity: 'low' }, prompt_cache_key: 'k', max_output_tokens: 9 };
  await postStream(gateway, '/v1/messages', { ...QUESTION, model, metadata: { user_id: 'u' } });
  await postStream(gateway, '/v1/responses', { model, input: 'hi', service_tier: 'auto', ...effort });
  const { text } = await postStream(gateway, '/v1/chat/completions', { ...QUESTION, model, ...options });
  expect(text).toContain('hel');
  const fields = models.calls.map(({ body }) => Object.keys(body).filter((name) => name !== 'tools'));
  const all = ['max_tokens', 'messages', 'model', 'stream'];
  expect(fields.map((names) => names.toSorted())).toEqual([all, all, all]);
  expect(models.calls.map(({ body }) => body['max_tokens'])).toEqual([9, 9, 9]);
});

test('Bedrock gets documents of different names, and hears of tools that failed', async () => {
  await using scene = await startModelScene();
  const { gateway, models } = scene;
  await addProvider(gateway, 'bedrock', models.anthropicUrl);
  models.script({
    raw: { status: 200, body: '{"output":{"message":{"content":[{"text":"x"}]}},"stopReason":"end_turn"}' },
  });
  const pdf = { type: 'document', source: { type: 'base64', media_type: 'application/pdf', data: 'JVBERi0=' } };
  const use = { type: 'tool_use', id: 't', name: 'read', input: {} };
  const result = { type: 'tool_result', tool_use_id: 't', is_error: true, content: 'no such file' };
  const messages = [
    { role: 'user', content: [pdf, { ...pdf, title: 'Report.pdf' }, pdf] },
    { role: 'assistant', content: [use] },
    { role: 'user', content: [result, { ...pdf, title: 'report.pdf' }] },
  ];
  const { status } = await gateway.api('POST', '/v1/messages', {
    ...{ model: 'bedrock/us.anthropic.claude-x', max_tokens: 9, messages },
    tools: [{ name: 'read', input_schema: { type: 'object' } }],
  });
  expect(status).toBe(200);
  const sent = models.calls[0]?.body['messages'] as { content: Record<string, JsonObject>[] }[];
  const blocks = sent.flatMap(({ content }) => content);
  const names = blocks.flatMap(({ document }) => document?.['name'] ?? []);
  expect(names).toEqual(['document', 'Report', 'document-2', 'report-2']);
  expect(blocks.flatMap(({ toolResult }) => toolResult?.['status'] ?? [])).toEqual(['error']);
});

test.each([
  [
    'messages',
    '/v1/messages',
    { max_tokens: 9 },
    'messages',
    { role: 'assistant', content: [{ type: 'thinking', thinking: 'hm', signature: 's' }] },
  ],
  ['responses', '/v1/responses', {}, 'input', { type: 'reasoning', summary: [{ type: 'summary_text', text: 'hm' }] }],
] as const)(
  'a turn that ended in its thoughts has a content, which OpenAI demands: %s',
  async (_, path, more, name, turn) => {
    await using scene = await startModelScene();
    const { gateway, models } = scene;
    await addProvider(gateway, 'cerebras', models.openaiUrl);
    const said = [...QUESTION.messages, turn, { role: 'user', content: 'go on' }];
    const { status } = await gateway.api('POST', path, { model: 'cerebras/m', ...more, [name]: said });
    expect(status).toBe(200);
    expect(models.calls[0]?.body['messages']).toMatchObject([{}, { role: 'assistant', content: '' }, {}]);
  },
);

test.each([false, true])('a redirect is no answer, and says what is wrong (streamed: %s)', async (stream) => {
  await using scene = await startModelScene();
  const { gateway, models } = scene;
  models.script({ raw: { status: 301, headers: { location: 'https://elsewhere.test/v1' }, body: '<html></html>' } });
  const answer = await gateway.api('POST', '/v1/chat/completions', { ...QUESTION, model: 'openai/gpt-x', stream });
  expect(answer.status).toBe(502);
  expect((answer.body['error'] as JsonObject)['message']).toContain('base_url is not where it is');
  expect(models.calls).toHaveLength(1);
});

test('an empty reason in each chunk is not why the answer ended', async () => {
  await using scene = await startModelScene({ client: { tools_to_auto_execute: ['echo'] } });
  const { gateway, models } = scene;
  const call = { index: 0, id: 'a', function: { name: 'c1-echo', arguments: '{"text":"x"}' } };
  const stream = (...choices: [JsonObject, string][]) => {
    const lines = choices.map(([delta, finish_reason]) => ({ id: 'x', choices: [{ index: 0, delta, finish_reason }] }));
    const body = lines.map((line) => `data: ${JSON.stringify(line)}\n\n`).join('');
    return { raw: { status: 200, headers: { 'content-type': 'text/event-stream' }, body } };
  };
  models.script(stream([{ content: 'so far' }, ''], [{}, 'length']));
  const cut = await postStream(gateway, '/v1/messages', { ...QUESTION, model: 'openai/gpt-x' });
  expect(cut.text).toContain('"stop_reason":"max_tokens"');
  models.script(stream([{ content: 'let me see' }, ''], [{ tool_calls: [call] }, ''], [{}, 'tool_calls']), {
    text: 'ok',
  });
  const { text } = await postStream(gateway, '/v1/chat/completions', { ...QUESTION, model: 'openai/gpt-x' });
  expect(text).toContain('let me see');
  expect(models.calls).toHaveLength(3);
});

test('a byte order mark before a stream hides nothing, and is passed on where nothing is translated', async () => {
  await using scene = await startModelScene({ client: { tools_to_auto_execute: ['echo'] } });
  const { gateway, models } = scene;
  const stream = (...choices: [JsonObject, string | null][]) => {
    const lines = choices.map(([delta, finish_reason]) => ({ id: 'x', choices: [{ index: 0, delta, finish_reason }] }));
    const body = `\uFEFF${lines.map((line) => `data: ${JSON.stringify(line)}\n\n`).join('')}`;
    return { raw: { status: 200, headers: { 'content-type': 'text/event-stream' }, body } };
  };
  const said = stream([{ content: 'first ' }, null], [{ content: 'second' }, 'stop']);
  const question = { ...QUESTION, model: 'openai/gpt-x' };
  models.script(said);
  const translated = await postStream(gateway, '/v1/messages', question);
  expect(translated.text).toContain('first ');
  const bytes = await fetch(`${gateway.address}/v1/chat/completions`, {
    method: 'POST',
    headers: requestHeaders(gateway, {}),
    body: JSON.stringify({ ...question, stream: true }),
  }).then((response) => response.arrayBuffer());
  expect(Buffer.from(bytes).toString()).toBe(said.raw.body);
  const call = { index: 0, id: 'a', function: { name: 'c1-echo', arguments: '{"text":"x"}' } };
  models.script(stream([{ tool_calls: [call] }, null], [{}, 'tool_calls']), { text: 'done' });
  const { text } = await postStream(gateway, '/v1/chat/completions', question);
  expect(text).toContain('do');
  expect(models.calls).toHaveLength(4);
});
