import { expect, test } from 'vitest';
import { SCRIPTED_FAILURE } from '../kit/model-server.ts';
import { postStream, startModelScene, type ModelScene } from '../kit/models.ts';
import { waitFor } from '../kit/wait.ts';
import { readEvents } from '../kit/wire.ts';

type JsonObject = Record<string, unknown>;

const AUTO = { client: { tools_to_auto_execute: ['echo'] } };
const MESSAGES = { max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] };
const FORMATS = [
  ['chat', '/v1/chat/completions', MESSAGES],
  ['responses', '/v1/responses', { input: 'hi' }],
  ['messages', '/v1/messages', MESSAGES],
] as const;

function eventsOf(text: string): JsonObject[] {
  return readEvents(text)
    .filter((data) => data !== '[DONE]')
    .map((data) => JSON.parse(data) as JsonObject);
}

/** The error in a stream, and the event that it came in. */
function failureIn(text: string): { readonly event: JsonObject; readonly error: JsonObject } {
  const [event, ...more] = eventsOf(text).filter(({ error }) => error !== undefined);
  if (event === undefined || more.length > 0) throw new Error(`not one error: ${text}`);
  return { event, error: event['error'] as JsonObject };
}

test.each(FORMATS)(
  'a connection that is lost in a stream is told as a fault of the provider: %s',
  async (...format) => {
    const [name, path, question] = format;
    await using scene = await startModelScene();
    scene.models.script({ text: 'hello world', breakAfter: 3, delayMs: 20 });
    const { text } = await postStream(scene.gateway, path, { ...question, model: 'openai/gpt-x' });
    const { event, error } = failureIn(text);
    expect(error['message']).toContain('provider openai: the connection was lost');
    if (name === 'messages') expect(event).toMatchObject({ type: 'error', error: { type: 'api_error' } });
    else expect(error).toMatchObject({ type: 'provider_unreachable' });
    // As OpenAI's reference has it, counted on from the events before.
    if (name === 'responses')
      expect(event).toMatchObject({ type: 'error', message: error['message'], sequence_number: 3 });
  },
);

test('an error in a translated stream stands alone, where no client takes it for a chunk without text', async () => {
  await using scene = await startModelScene();
  scene.models.script({ text: 'hello world', failAfter: 4 });
  const question = { ...MESSAGES, model: 'anthropic/claude-x' };
  const { text } = await postStream(scene.gateway, '/v1/chat/completions', question);
  const error = { message: SCRIPTED_FAILURE, type: 'overloaded_error', param: null, code: null };
  const told = eventsOf(text).find((event) => 'error' in event);
  expect(told).toMatchObject({ error });
  expect(told).not.toHaveProperty('choices');
});

test.each([
  ['chat', '/v1/chat/completions', 'openai/gpt-x', 2],
  ['messages', '/v1/messages', 'anthropic/claude-x', 4],
] as const)('a call that was half said when the provider failed is not run: %s', async (_, path, model, failAfter) => {
  await using scene = await startModelScene(AUTO);
  scene.models.script({ calls: [{ id: 'a', name: 'c1-echo', args: { text: 'hi' } }], failAfter }, { text: 'done' });
  const { text } = await postStream(scene.gateway, path, { ...MESSAGES, model });
  expect(failureIn(text).error['message']).toBe(SCRIPTED_FAILURE);
  expect(scene.models.calls).toHaveLength(1);
});

test.each([{ error: 'boom' }, { object: 'error', message: 'boom', code: 400 }])(
  'an error in a stream is one however it is written: %o',
  async (said) => {
    await using scene = await startModelScene();
    const begun = { id: 'x', choices: [{ index: 0, delta: { role: 'assistant', content: 'h' }, finish_reason: null }] };
    const body = [begun, said].map((data) => `data: ${JSON.stringify(data)}\n\n`).join('');
    scene.models.script({ raw: { status: 200, headers: { 'content-type': 'text/event-stream' }, body } });
    const question = { ...MESSAGES, model: 'openai/gpt-x' };
    const { text } = await postStream(scene.gateway, '/v1/messages', question);
    expect(failureIn(text).error['message']).toBe('boom');
    await postStream(scene.gateway, '/v1/chat/completions', question);
    await waitFor(async () => {
      const { body: page } = await scene.gateway.api('GET', '/api/logs');
      return (page['logs'] as JsonObject[]).filter(({ status }) => status === 'error').length === 2;
    }, 'both requests in the logs as failed');
  },
);

const EVENT_STREAM = { 'content-type': 'text/event-stream' };
const eventStream = (...events: (JsonObject | string)[]): string =>
  events.map((event) => `data: ${typeof event === 'string' ? event : JSON.stringify(event)}\n\n`).join('');
const chunk = (delta: JsonObject, finish_reason: string | null = null): JsonObject => ({
  ...{ id: 'x', object: 'chat.completion.chunk', created: 1, model: 'gpt-x' },
  choices: [{ index: 0, delta, finish_reason }],
});
const begun = {
  id: 'm',
  type: 'message',
  role: 'assistant',
  content: [],
  usage: { input_tokens: 1, output_tokens: 1 },
};
const START = { type: 'message_start', message: begun };
const STOP_REASON = { type: 'message_delta', delta: { stop_reason: 'end_turn' }, usage: { output_tokens: 2 } };
const CREATED = {
  type: 'response.created',
  sequence_number: 0,
  response: { id: 'r', status: 'in_progress', output: [] },
};

/** The stream that a caller gets of one that a provider of the same format wrote. */
async function askFor(scene: ModelScene, format: 'chat' | 'responses' | 'messages', body: string): Promise<string> {
  scene.models.script({ raw: { status: 200, headers: EVENT_STREAM, body } });
  const [, path, question] = FORMATS.find(([name]) => name === format) ?? FORMATS[0];
  const model = format === 'messages' ? 'anthropic/claude-x' : 'openai/gpt-x';
  return (await postStream(scene.gateway, path, { ...question, model })).text;
}

/** The last request in the logs, once it is over. */
function loggedEnd({ gateway }: ModelScene): Promise<JsonObject> {
  return waitFor(async () => {
    const { body } = await gateway.api('GET', '/api/logs');
    const [row] = body['logs'] as JsonObject[];
    return row !== undefined && row['status'] !== 'processing' && row;
  }, 'the request in the logs');
}

test.each([
  ['chat', 'chat', eventStream(chunk({ content: 'hello' }))],
  ['chat of which nothing came', 'chat', ''],
  ['responses', 'responses', eventStream(CREATED)],
  ['messages', 'messages', eventStream(START)],
] as const)(
  'a stream that just ends before its answer has ended is told and logged as a fault: %s',
  async (_, format, body) => {
    await using scene = await startModelScene();
    const text = await askFor(scene, format, body);
    expect(text.startsWith(body)).toBe(true);
    expect(failureIn(text).error['message']).toContain('broke off before the end of its answer');
    expect(await loggedEnd(scene)).toMatchObject({ status: 'error' });
  },
);

test('half an event at the end does not hide that the stream broke off', async () => {
  await using scene = await startModelScene();
  const body = eventStream(chunk({ content: 'hello' }));
  const text = await askFor(scene, 'chat', `${body}data: {"id":"half`);
  expect(text.startsWith(body)).toBe(true);
  expect(text).not.toContain('half');
  expect(failureIn(text).error['message']).toContain('broke off');
});

test.each([
  ['chat with a reason, but without [DONE]', 'chat', eventStream(chunk({ content: 'a' }, 'stop'))],
  ['chat with [DONE], but without a reason', 'chat', eventStream(chunk({ content: 'a' }), '[DONE]')],
  ['messages with a reason, but without a stop', 'messages', eventStream(START, STOP_REASON)],
  ['messages with a stop, but without a reason', 'messages', eventStream(START, { type: 'message_stop' })],
  ...['completed', 'incomplete'].map((status) => {
    const end = { type: `response.${status}`, response: { id: 'r', status, output: [] } };
    return [`responses, ${status}`, 'responses', eventStream(CREATED, end)] as const;
  }),
] as const)('a stream that says in any way that its answer has ended is whole: %s', async (_, format, body) => {
  await using scene = await startModelScene();
  const text = await askFor(scene, format, body);
  expect(text).toBe(body);
  expect(await loggedEnd(scene)).toMatchObject({ status: 'success' });
});

test('a stream that ended with an error is not told another one', async () => {
  await using scene = await startModelScene();
  const body = eventStream(chunk({ content: 'a' }), { error: { message: 'no room', code: 503 } });
  const text = await askFor(scene, 'chat', body);
  expect(text).toBe(body);
  expect(await loggedEnd(scene)).toMatchObject({ status: 'error' });
});
