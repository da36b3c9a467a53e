import { expect, test } from 'vitest';
import { startModelScene } from '../kit/models.ts';

type JsonObject = Record<string, unknown>;

const QUESTION = { max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] };
const THREAD = { type: 'continue', previous_message_id: 'msg_1' };
const AUTO = { client: { tools_to_auto_execute: ['echo'] } };
/** What Anthropic's SDK looks for before it sends the whole conversation. */
const UNTHREADED = {
  type: 'error',
  error: {
    type: 'invalid_request_error',
    details: { error_code: 'thread_unsupported_request', unsupported: ['thread'] },
  },
};

test('a conversation that Anthropic holds is refused for models of others, who would not know what it says', async () => {
  await using scene = await startModelScene();
  const body = { ...QUESTION, model: 'openai/gpt-x', thread: THREAD };
  const answer = await scene.gateway.api('POST', '/anthropic/v1/messages', body);
  expect(answer).toMatchObject({ status: 400, body: UNTHREADED });
  expect(scene.models.calls).toEqual([]);
});

test('and where tools may run in between, of which Anthropic would not know', async () => {
  await using scene = await startModelScene(AUTO);
  const body = { ...QUESTION, model: 'claude-x', thread: THREAD };
  const answer = await scene.gateway.api('POST', '/anthropic/v1/messages', body);
  expect(answer).toMatchObject({ status: 400, body: UNTHREADED });
  const whole = await scene.gateway.api('POST', '/anthropic/v1/messages', { ...body, thread: undefined });
  expect(whole.status).toBe(200);
});

test('else it is between the client and Anthropic, whose words are passed on', async () => {
  await using scene = await startModelScene();
  const error = { type: 'not_found_error', message: 'no such thread', details: { error_code: 'thread_not_found' } };
  scene.models.script({ raw: { status: 404, body: JSON.stringify({ type: 'error', error }) } });
  const body = { ...QUESTION, model: 'claude-x', thread: THREAD };
  const answer = await scene.gateway.api('POST', '/anthropic/v1/messages', body);
  expect(scene.models.calls[0]?.body['thread']).toEqual(THREAD);
  expect(answer).toMatchObject({ status: 404, body: { type: 'error', error } });
});

test('a client may name what the gateway said in a Responses answer: the provider reads the words', async () => {
  await using scene = await startModelScene(AUTO);
  const { gateway, models } = scene;
  const echo = { id: 'a', name: 'c1-echo', args: { text: 'it ran' } };
  models.script({ calls: [echo, { id: 'b', name: 'c1-whoami', args: {} }] }, { text: 'done' });
  const first = await gateway.api('POST', '/v1/responses', { model: 'openai/gpt-x', input: 'hi' });
  const [said, call] = first.body['output'] as JsonObject[];
  const input = [
    { role: 'user', content: 'hi' },
    { type: 'item_reference', id: said?.['id'] },
    call,
    { type: 'function_call_output', call_id: 'b', output: 'me' },
  ];
  await gateway.api('POST', '/v1/responses', { model: 'openai/gpt-x', input });
  const got = models.calls[1]?.body['input'] as JsonObject[];
  expect(got[1]).toEqual({ role: 'assistant', content: expect.stringContaining('"c1-echo":"it ran"') as string });
  expect(got.with(1, {})).toEqual(input.with(1, {}));
});
