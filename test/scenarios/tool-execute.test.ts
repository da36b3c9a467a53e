import { expect, test } from 'vitest';
import { messageIn } from '../kit/gateway.ts';
import { startScene } from '../kit/scene.ts';

const path = '/v1/mcp/tool/execute';

test('the chat shape answers as a tool message', async () => {
  await using scene = await startScene();
  const { status, body } = await scene.gateway.execute('c1-add', { a: 1, b: 2 });
  expect(status).toBe(200);
  expect(body).toMatchObject({ role: 'tool', tool_call_id: 'call_1', content: '3' });
});

test('the responses shape answers as a function call output', async () => {
  await using scene = await startScene();
  const call = { call_id: 'call_2', name: 'c1-add', arguments: '{"a":1,"b":2}' };
  for (const format of ['responses', 'RESPONSES']) {
    const { status, body } = await scene.gateway.api('POST', `${path}?format=${format}`, call);
    expect(status).toBe(200);
    expect(body).toMatchObject({ type: 'function_call_output', call_id: 'call_2', output: '3' });
  }
});

test('content of every kind is flattened to text', async () => {
  await using scene = await startScene();
  const { body } = await scene.gateway.execute('c1-rich');
  expect(body['content']).toContain('Grüße, 世界');
  expect(body['content']).toContain('[Image Response: iVBORw0KGgo=, MIME: image/png]');
  expect(body['content']).toContain('[Audio Response: UklGRg==, MIME: audio/wav]');
});

test('an error result of the tool is an answer of the tool', async () => {
  await using scene = await startScene();
  const { status, body } = await scene.gateway.execute('c1-fail');
  expect(status).toBe(200);
  expect(body['content']).toBe('it went wrong');
});

test('empty arguments count as none', async () => {
  await using scene = await startScene();
  const call = { id: 'x', type: 'function', function: { name: 'c1-whoami', arguments: '' } };
  expect((await scene.gateway.api('POST', path, call)).status).toBe(200);
  expect(scene.upstream.host.calls[0]?.arguments).toEqual({});
});

test.for([
  ['a body that is no JSON', '', '{'],
  ['a body that is no object', '', '[]'],
  ['no name', '', { id: 'x', type: 'function', function: { arguments: '{}' } }],
  ['an empty name', '', { id: 'x', type: 'function', function: { name: '', arguments: '{}' } }],
  ['arguments that are no JSON', '', { id: 'x', type: 'function', function: { name: 'c1-echo', arguments: '{' } }],
  ['arguments that are no object', '', { id: 'x', type: 'function', function: { name: 'c1-echo', arguments: '[]' } }],
  ['an unknown tool', '', { id: 'x', type: 'function', function: { name: 'c1-nothing', arguments: '{}' } }],
  ['an unknown client', '', { id: 'x', type: 'function', function: { name: 'c9-echo', arguments: '{}' } }],
  ['an unknown format', '?format=xml', { id: 'x', type: 'function', function: { name: 'c1-echo', arguments: '{}' } }],
] as const)('%s is refused', async ([, query, body]) => {
  await using scene = await startScene();
  const answer = await scene.gateway.api('POST', `${path}${query}`, body);
  expect(answer.status).toBe(400);
  messageIn(answer);
  expect(scene.upstream.countCalls()).toBe(0);
});

test('only the caller headers that are allowed travel to the upstream, and never its credential', async () => {
  await using scene = await startScene({
    client: { headers: { 'X-Fixed': 'fixed' }, allowed_extra_headers: ['X-Trace', 'x-fixed'] },
  });
  const headers = { 'x-trace': 't1', 'x-other': 'o1', 'x-fixed': 'from the caller', cookie: 'a=b' };
  const { body } = await scene.gateway.execute('c1-whoami', {}, headers);
  const seen = JSON.parse(String(body['content'])) as Record<string, string>;
  expect(seen).toMatchObject({ 'x-trace': 't1', 'x-fixed': 'fixed' });
  expect(seen).not.toHaveProperty('x-other');

  await scene.update({ allowed_extra_headers: ['*'] });
  const open = await scene.gateway.execute('c1-whoami', {}, headers);
  const all = JSON.parse(String(open.body['content'])) as Record<string, string>;
  expect(all).toMatchObject({ 'x-trace': 't1', 'x-other': 'o1', 'x-fixed': 'fixed' });
  expect(all).not.toHaveProperty('cookie');
  expect(JSON.stringify(all)).not.toContain(scene.gateway.apiKey);
});
