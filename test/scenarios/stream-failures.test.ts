import { expect, test } from 'vitest';
import { SCRIPTED_FAILURE } from '../kit/model-server.ts';
import { postStream, startModelScene } from '../kit/models.ts';
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
