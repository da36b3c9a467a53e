import { expect, test } from 'vitest';
import { postStream, startModelScene } from '../kit/models.ts';

const QUESTION = { model: 'openai/gpt-x', messages: [{ role: 'user', content: 'hi' }] };

test('a chat request reaches the provider as it was sent, but for the name of the model', async () => {
  await using scene = await startModelScene();
  const { gateway, models } = scene;
  models.script({ raw: { status: 200, body: '{"id":"x", "choices":[ ],"usage":null, "odd": 1.0}' } });
  const sent =
    '{ "model":"openai/gpt-x" ,"messages":[{"role":"user","content":"hi"}],"temperature":0.10,"odd":{"a":[1, 2]}}';
  const answer = await fetch(`${gateway.address}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${gateway.apiKey}`, 'x-bf-mcp-include-tools': '' },
    body: sent,
  });
  expect(await answer.text()).toBe('{"id":"x", "choices":[ ],"usage":null, "odd": 1.0}');
  const [call] = models.calls;
  expect(call?.bytes.toString()).toBe(sent.replace('openai/gpt-x', 'gpt-x'));
  expect(call?.path).toBe('/v1/chat/completions');
  expect(call?.headers.authorization).toBe('Bearer sk-upstream');
});

test('a stream passes unchanged', async () => {
  await using scene = await startModelScene();
  const { gateway, models } = scene;
  const stream =
    'data: {"id":"a","choices":[{"index":0,"delta":{"content":"h"}}], "x":1.0}\n\n: ping\n\ndata: [DONE]\n\n';
  models.script({ raw: { status: 200, headers: { 'content-type': 'text/event-stream' }, body: stream } });
  const { status, text } = await postStream(gateway, '/v1/chat/completions', QUESTION);
  expect(status).toBe(200);
  expect(text).toBe(stream);
});

test('usage is counted without showing it to those who did not ask for it', async () => {
  await using scene = await startModelScene();
  const { gateway, models } = scene;
  const quiet = await postStream(gateway, '/v1/chat/completions', QUESTION);
  expect(models.calls[0]?.body['stream_options']).toEqual({ include_usage: true });
  expect(quiet.text).not.toContain('prompt_tokens');
  expect(quiet.text.endsWith('data: [DONE]\n\n')).toBe(true);
  const asked = await postStream(gateway, '/v1/chat/completions', {
    ...QUESTION,
    stream_options: { include_usage: true },
  });
  expect(asked.text).toContain('"prompt_tokens":11');
});

test('the tools that the caller may use are added to a request, in order', async () => {
  await using scene = await startModelScene();
  const { gateway, models } = scene;
  await gateway.api('POST', '/v1/chat/completions', QUESTION);
  const tools = models.calls[0]?.body['tools'] as { function: { name: string } }[];
  const names = tools.map((tool) => tool.function.name);
  expect(names).toContain('c1-echo');
  expect(names).toEqual(names.toSorted());
});

test('a call that needs nobody is run, and the model is asked again', async () => {
  await using scene = await startModelScene({ client: { tools_to_auto_execute: ['echo'] } });
  const { gateway, models } = scene;
  models.script({ calls: [{ id: 'k1', name: 'c1-echo', args: { text: 'ping' } }] }, { text: 'done' });
  const { status, body } = await gateway.api('POST', '/v1/chat/completions', QUESTION);
  expect(status, JSON.stringify(body)).toBe(200);
  const [choice] = body['choices'] as { message: { content: string } }[];
  expect(choice?.message.content).toBe('done');
  expect(body['usage']).toMatchObject({ prompt_tokens: 22, completion_tokens: 14 });
  const messages = models.calls[1]?.body['messages'] as unknown[];
  expect(messages).toHaveLength(3);
  expect(messages[2]).toMatchObject({
    role: 'tool',
    tool_call_id: 'k1',
    content: expect.stringContaining('ping') as string,
  });
});
