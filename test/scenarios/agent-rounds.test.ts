import { describe, expect, test } from 'vitest';
import { postStream, startModelScene, type ModelScene } from '../kit/models.ts';
import { readEvents } from '../kit/wire.ts';

type JsonObject = Record<string, unknown>;

const AUTO = { client: { tools_to_auto_execute: ['echo'] } };
const SSE = { 'content-type': 'text/event-stream' };
const QUESTION = { model: 'openai/gpt-x', messages: [{ role: 'user', content: 'hi' }] };
const CLAUDE = { model: 'anthropic/claude-x', max_tokens: 9, messages: QUESTION.messages };
const CALL = { id: 'a', name: 'c1-echo', args: { text: 'one' } };

const eventsOf = (text: string): JsonObject[] =>
  readEvents(text)
    .filter((data) => data !== '[DONE]')
    .map((data) => JSON.parse(data) as JsonObject);
const list = (value: unknown): JsonObject[] => (Array.isArray(value) ? (value as JsonObject[]) : []);
const bodies = ({ models }: ModelScene): JsonObject[] => models.calls.map(({ body }) => body);

/** A stream of chat completions as a provider writes it. */
function chunks(...written: (JsonObject | string)[]) {
  const base = { id: 'x', object: 'chat.completion.chunk', created: 1, model: 'gpt-x' };
  const lines = written.map(
    (one) => `data: ${typeof one === 'string' ? one : JSON.stringify({ ...base, ...one })}\n\n`,
  );
  return { raw: { status: 200, headers: SSE, body: lines.join('') } };
}

const delta = (value: JsonObject, finish_reason: string | null = null, index = 0): JsonObject => ({
  choices: [{ index, delta: value, finish_reason }],
});
const callDelta = (piece: JsonObject): JsonObject => delta({ tool_calls: [piece] });
const event = (data: JsonObject): string => `event: ${String(data['type'])}\ndata: ${JSON.stringify(data)}\n\n`;

/** A stream of messages with one block, which ends for that reason. */
function messageEvents(block: JsonObject, deltas: JsonObject[], stop_reason: string | undefined) {
  const events = [
    {
      type: 'message_start',
      message: {
        id: 'm',
        type: 'message',
        role: 'assistant',
        content: [],
        usage: { input_tokens: 1, output_tokens: 1 },
      },
    },
    { type: 'content_block_start', index: 0, content_block: block },
    ...deltas.map((one) => ({ type: 'content_block_delta', index: 0, delta: one })),
    { type: 'content_block_stop', index: 0 },
    ...(stop_reason === undefined
      ? []
      : [
          { type: 'message_delta', delta: { stop_reason, stop_sequence: null }, usage: { output_tokens: 5 } },
          { type: 'message_stop' },
        ]),
  ];
  return { raw: { status: 200, headers: SSE, body: events.map(event).join('') } };
}

describe('a caller who demands a call gets an answer after it', () => {
  test.each([
    ['chat', '/v1/chat/completions', { ...QUESTION, tool_choice: 'required' }, 'auto'],
    [
      'chat',
      '/v1/chat/completions',
      { ...QUESTION, tool_choice: { type: 'function', function: { name: 'c1-echo' } } },
      'auto',
    ],
    ['responses', '/v1/responses', { model: 'openai/gpt-x', input: 'hi', tool_choice: 'required' }, 'auto'],
    [
      'responses',
      '/v1/responses',
      { model: 'openai/gpt-x', input: 'hi', tool_choice: { type: 'function', name: 'c1-echo' } },
      'auto',
    ],
    [
      'messages',
      '/v1/messages',
      { ...CLAUDE, tool_choice: { type: 'any', disable_parallel_tool_use: true } },
      { type: 'auto', disable_parallel_tool_use: true },
    ],
    ['messages', '/v1/messages', { ...CLAUDE, tool_choice: { type: 'tool', name: 'c1-echo' } }, { type: 'auto' }],
  ])('%s', async (_, path, request, later) => {
    await using scene = await startModelScene(AUTO);
    scene.models.script({ calls: [CALL] }, { text: 'done' });
    await scene.gateway.api('POST', path, request);
    expect(bodies(scene).map(({ tool_choice }) => tool_choice)).toEqual([request.tool_choice, later]);
  });

  test('what was not demanded stays', async () => {
    await using scene = await startModelScene(AUTO);
    scene.models.script({ calls: [CALL] }, { text: 'done' });
    const tool_choice = { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools: [] } };
    await scene.gateway.api('POST', '/v1/chat/completions', { ...QUESTION, tool_choice });
    expect(bodies(scene).map((body) => body['tool_choice'])).toEqual([tool_choice, tool_choice]);
  });
});

describe('a call that was cut off is not run', () => {
  const piece = { index: 0, id: 'a', type: 'function', function: { name: 'c1-echo', arguments: '' } };
  const use = { type: 'tool_use', id: 'a', name: 'c1-echo', input: {} };
  const half = { type: 'input_json_delta', partial_json: '{"text": "on' };
  test.each([
    ['chat, at its length', '/v1/chat/completions', QUESTION, chunks(callDelta(piece), delta({}, 'length'), '[DONE]')],
    ['messages, at its length', '/v1/messages', CLAUDE, messageEvents(use, [half], 'max_tokens')],
  ])('streamed: %s', async (_, path, request, answer) => {
    await using scene = await startModelScene(AUTO);
    scene.models.script(answer, { text: 'done' });
    const { text } = await postStream(scene.gateway, path, request);
    expect(text).toBe(answer.raw.body);
    expect(scene.models.calls).toHaveLength(1);
  });

  test.each([
    ['chat', '/v1/chat/completions', QUESTION, chunks(callDelta(piece))],
    ['messages', '/v1/messages', CLAUDE, messageEvents(use, [half], undefined)],
  ])('streamed, without an end: %s', async (_, path, request, answer) => {
    await using scene = await startModelScene(AUTO);
    scene.models.script(answer, { text: 'done' });
    const { text } = await postStream(scene.gateway, path, request);
    expect(text).toContain('broke off before the end of its answer');
    expect(text).not.toContain('c1-echo');
    expect(scene.models.calls).toHaveLength(1);
  });

  const whole = (body: JsonObject) => ({ raw: { status: 200, body: JSON.stringify(body) } });
  const call = { id: 'a', type: 'function', function: { name: 'c1-echo', arguments: '' } };
  test.each([
    [
      'chat',
      '/v1/chat/completions',
      QUESTION,
      { id: 'x', choices: [{ index: 0, message: { role: 'assistant', tool_calls: [call] }, finish_reason: 'length' }] },
    ],
    [
      'messages',
      '/v1/messages',
      CLAUDE,
      { id: 'x', type: 'message', content: [use], stop_reason: 'max_tokens', usage: {} },
    ],
    [
      'responses',
      '/v1/responses',
      { model: 'openai/gpt-x', input: 'hi' },
      {
        id: 'x',
        status: 'incomplete',
        incomplete_details: { reason: 'max_output_tokens' },
        output: [{ type: 'function_call', call_id: 'a', name: 'c1-echo', arguments: '' }],
      },
    ],
  ])('whole: %s', async (_, path, request, answer) => {
    await using scene = await startModelScene(AUTO);
    scene.models.script(whole(answer), { text: 'done' });
    const { body } = await scene.gateway.api('POST', path, request);
    expect(body).toEqual(answer);
    expect(scene.models.calls).toHaveLength(1);
  });
});

test('of several answers in one stream nobody says which one goes on, so nothing is run', async () => {
  await using scene = await startModelScene(AUTO);
  const piece = { index: 0, id: 'a', type: 'function', function: { name: 'c1-echo', arguments: '{"text":"x"}' } };
  const answer = chunks(
    delta({ role: 'assistant', content: 'one' }),
    delta({ role: 'assistant', tool_calls: [piece] }, null, 1),
    delta({}, 'stop'),
    delta({}, 'tool_calls', 1),
    '[DONE]',
  );
  scene.models.script(answer, { text: 'done' });
  const { text } = await postStream(scene.gateway, '/v1/chat/completions', { ...QUESTION, n: 2 });
  expect(text).toBe(answer.raw.body);
  expect(scene.models.calls).toHaveLength(1);
});

test('pieces of a call that repeat its id as an empty one, or leave out its number, belong to it', async () => {
  await using scene = await startModelScene(AUTO);
  scene.models.script(
    chunks(
      callDelta({ index: 0, id: 'a', type: 'function', function: { name: 'c1-echo', arguments: '' } }),
      callDelta({ index: 0, id: '', type: 'function', function: { name: '', arguments: '{"text":' } }),
      callDelta({ index: 0, id: null, function: { arguments: '"one"}' } }),
      delta({}, 'tool_calls'),
      '[DONE]',
    ),
    chunks(
      callDelta({ id: 'b', type: 'function', function: { name: 'c1-echo', arguments: '{"text":' } }),
      callDelta({ function: { arguments: '"two"}' } }),
      delta({}, 'tool_calls'),
      '[DONE]',
    ),
    { text: 'done' },
  );
  await postStream(scene.gateway, '/v1/chat/completions', QUESTION);
  const results = list(bodies(scene)[2]?.['messages']).filter(({ role }) => role === 'tool');
  expect(results).toEqual([
    { role: 'tool', tool_call_id: 'a', content: 'one' },
    { role: 'tool', tool_call_id: 'b', content: 'two' },
  ]);
});

test('calls that all have the number 0 are told apart by their ids', async () => {
  await using scene = await startModelScene(AUTO);
  const one = (id: string) => ({
    index: 0,
    id,
    type: 'function',
    function: { name: 'c1-echo', arguments: `{"text":"${id}"}` },
  });
  scene.models.script(chunks(callDelta(one('a')), callDelta(one('b')), delta({}, 'tool_calls'), '[DONE]'), {
    text: 'done',
  });
  await postStream(scene.gateway, '/v1/chat/completions', QUESTION);
  const results = list(bodies(scene)[1]?.['messages']).filter(({ role }) => role === 'tool');
  expect(results.map(({ tool_call_id, content }) => [tool_call_id, content])).toEqual([
    ['a', 'a'],
    ['b', 'b'],
  ]);
});

test('a first chunk without choices, as Azure sends it, neither holds back what follows nor names the answer', async () => {
  await using scene = await startModelScene(AUTO);
  const filtered = { id: '', created: 0, model: '', choices: [], prompt_filter_results: [{ prompt_index: 0 }] };
  const piece = { index: 0, id: 'a', type: 'function', function: { name: 'c1-echo', arguments: '{"text":"x"}' } };
  scene.models.script(
    chunks(filtered, delta({ content: 'let me see' }), callDelta(piece), delta({}, 'tool_calls'), '[DONE]'),
    chunks(filtered, delta({ content: 'done' }), delta({}, 'stop'), '[DONE]'),
  );
  const { text } = await postStream(scene.gateway, '/v1/chat/completions', QUESTION);
  const said = eventsOf(text).flatMap(({ id, choices }) =>
    list(choices).map((choice) => [id, (choice['delta'] as JsonObject)['content']]),
  );
  expect(said).toEqual([
    ['x', 'let me see'],
    ['x', 'done'],
    ['x', undefined],
  ]);
});

test('what a tool of the provider was asked is in the next round too', async () => {
  await using scene = await startModelScene(AUTO);
  const search = { type: 'server_tool_use', id: 's', name: 'web_search', input: {} };
  const { raw } = messageEvents(search, [{ type: 'input_json_delta', partial_json: '{"query":"cats"}' }], 'tool_use');
  const use = [
    { type: 'content_block_start', index: 1, content_block: { type: 'tool_use', id: 'a', name: 'c1-echo', input: {} } },
    { type: 'content_block_stop', index: 1 },
  ];
  const body = raw.body.replace('event: message_delta', `${use.map(event).join('')}event: message_delta`);
  scene.models.script({ raw: { ...raw, body } }, { text: 'done' });
  await postStream(scene.gateway, '/v1/messages', CLAUDE);
  const [, turn] = list(bodies(scene)[1]?.['messages']);
  expect(list(turn?.['content'])[0]).toEqual({ ...search, input: { query: 'cats' } });
});

describe('responses that OpenAI keeps', () => {
  const REQUEST = { model: 'openai/gpt-x' };

  test('a conversation has what was said already, so that a later round adds only results', async () => {
    await using scene = await startModelScene(AUTO);
    scene.models.script({ calls: [CALL] }, { calls: [{ ...CALL, id: 'b' }] }, { text: 'done' });
    await scene.gateway.api('POST', '/v1/responses', { ...REQUEST, input: 'hi', conversation: 'conv_1' });
    const inputs = bodies(scene).map(({ input }) => input);
    expect(inputs).toEqual([
      'hi',
      [{ type: 'function_call_output', call_id: 'a', output: 'one' }],
      [{ type: 'function_call_output', call_id: 'b', output: 'one' }],
    ]);
  });

  test('a stored prompt without an input makes no empty message', async () => {
    await using scene = await startModelScene(AUTO);
    scene.models.script({ calls: [CALL] }, { text: 'done' });
    await scene.gateway.api('POST', '/v1/responses', { ...REQUEST, prompt: { id: 'pmpt_1' } });
    expect(list(bodies(scene)[1]?.['input']).map(({ type }) => type)).toEqual([
      'function_call',
      'function_call_output',
    ]);
  });

  test('thoughts that nobody keeps are not sent back as if somebody did', async () => {
    await using scene = await startModelScene(AUTO);
    const thought = { type: 'reasoning', id: 'rs_1', summary: [] };
    const sealed = { ...thought, id: 'rs_2', encrypted_content: 'x' };
    const call = { type: 'function_call', id: 'fc_1', call_id: 'a', name: 'c1-echo', arguments: '{"text":"x"}' };
    const body = JSON.stringify({ id: 'r', status: 'completed', output: [thought, sealed, call] });
    for (const store of [false, true]) {
      scene.models.script({ raw: { status: 200, body } }, { text: 'done' });
      await scene.gateway.api('POST', '/v1/responses', { ...REQUEST, input: 'hi', store });
    }
    const ids = [1, 3].map((round) => list(bodies(scene)[round]?.['input']).map(({ id }) => id));
    expect(ids).toEqual([
      [undefined, 'rs_2', 'fc_1', undefined],
      [undefined, 'rs_1', 'rs_2', 'fc_1', undefined],
    ]);
  });
});

test('half a letter in what a tool says does not break the next round, which providers would refuse', async () => {
  await using scene = await startModelScene(AUTO);
  scene.models.script({ calls: [{ ...CALL, args: { text: 'a\uD83D' } }] }, { text: 'done' });
  await scene.gateway.api('POST', '/v1/chat/completions', QUESTION);
  const results = list(bodies(scene)[1]?.['messages']).filter(({ role }) => role === 'tool');
  expect(results.map(({ content }) => content)).toEqual(['a\uFFFD']);
});

test('an empty text, which Anthropic writes but does not take, is not in the next round', async () => {
  await using scene = await startModelScene(AUTO);
  const content = [
    { type: 'text', text: '' },
    { type: 'tool_use', id: 'a', name: 'c1-echo', input: { text: 'one' } },
  ];
  const body = JSON.stringify({ type: 'message', content, stop_reason: 'tool_use', usage: {} });
  scene.models.script({ raw: { status: 200, body } }, { text: 'done' });
  await scene.gateway.api('POST', '/v1/messages', CLAUDE);
  expect(list(bodies(scene)[1]?.['messages'])[1]?.['content']).toEqual(content.slice(1));
});

test('calls without ids that are left to the caller reach it', async () => {
  await using scene = await startModelScene(AUTO);
  const tool_calls = ['c1-echo', 'c1-whoami'].map((name) => ({
    type: 'function',
    function: { name, arguments: '{}' },
  }));
  const message = { role: 'assistant', content: null, tool_calls };
  const body = JSON.stringify({ id: 'x', choices: [{ index: 0, message, finish_reason: 'tool_calls' }] });
  scene.models.script({ raw: { status: 200, body } });
  const answer = await scene.gateway.api('POST', '/v1/chat/completions', QUESTION);
  const [choice] = list(answer.body['choices']);
  expect(choice?.['message']).toMatchObject({ tool_calls: tool_calls.slice(1) });
});

test('arguments that come as an object are those of the call', async () => {
  await using scene = await startModelScene(AUTO);
  const call = { id: 'a', type: 'function', function: { name: 'c1-echo', arguments: { text: 'one' } } };
  const message = { role: 'assistant', content: null, tool_calls: [call] };
  const body = JSON.stringify({ id: 'x', choices: [{ index: 0, message, finish_reason: 'tool_calls' }] });
  scene.models.script({ raw: { status: 200, body } }, { text: 'done' });
  await scene.gateway.api('POST', '/v1/chat/completions', QUESTION);
  const results = list(bodies(scene)[1]?.['messages']).filter(({ role }) => role === 'tool');
  expect(results.map(({ content }) => content)).toEqual(['one']);
});

test('a usage that stands beside the last choice is told with calls that are left to the caller', async () => {
  await using scene = await startModelScene(AUTO);
  const usage = { prompt_tokens: 3, completion_tokens: 2, total_tokens: 5 };
  const pieces = ['c1-echo', 'c1-whoami'].map((name, index) => {
    const called = { name, arguments: '{}' };
    return callDelta({ index, id: name, type: 'function', function: called });
  });
  const ended = (reason: string) => ({ ...delta({}, reason), usage });
  scene.models.script(
    chunks(pieces[0] ?? {}, ended('tool_calls'), '[DONE]'),
    chunks(...pieces, ended('tool_calls'), '[DONE]'),
  );
  const { text } = await postStream(scene.gateway, '/v1/chat/completions', QUESTION);
  const told = eventsOf(text).flatMap((one) => one['usage'] ?? []);
  expect(told).toEqual([{ prompt_tokens: 6, completion_tokens: 4, total_tokens: 10 }]);
});
