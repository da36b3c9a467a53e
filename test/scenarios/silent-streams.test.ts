import type { ServerResponse } from 'node:http';
import { afterEach, expect, test, vi } from 'vitest';
import { HEARTBEAT_MS } from '../../src/http/event-stream.ts';
import { listenOnLoopback } from '../kit/http-host.ts';
import { addProvider, startModelScene, type ModelScene } from '../kit/models.ts';
import { waitFor } from '../kit/wait.ts';
import { collectText, requestHeaders } from '../kit/wire.ts';

type JsonObject = Record<string, unknown>;

const AUTO = { client: { tools_to_auto_execute: ['echo'] } };
const MESSAGES = { max_tokens: 9, messages: [{ role: 'user', content: 'hi' }] };
const COMMENT = ': ping\n\n';
const PING = 'event: ping\ndata: {"type":"ping"}\n\n';

afterEach(() => void vi.useRealTimers());

async function ask({ gateway }: ModelScene, path: string, body: JsonObject) {
  const response = await fetch(`${gateway.address}${path}`, {
    method: 'POST',
    headers: requestHeaders(gateway, {}),
    body: JSON.stringify({ ...body, stream: true }),
  });
  return collectText(response);
}

/** Lets time pass in which nothing comes, until that is there. */
function passSilence(isThere: () => boolean, what: string): Promise<unknown> {
  return waitFor(() => {
    vi.advanceTimersByTime(2 * HEARTBEAT_MS);
    return isThere();
  }, what);
}

const occurrences = (text: string, part: string): number => text.split(part).length - 1;

test.each([
  ['chat', '/v1/chat/completions', { ...MESSAGES, model: 'openai/gpt-x' }, COMMENT, 'data: [DONE]\n\n'],
  ['responses', '/v1/responses', { input: 'hi', model: 'openai/gpt-x' }, COMMENT, 'event: response.completed'],
  ['messages', '/v1/messages', { ...MESSAGES, model: 'anthropic/claude-x' }, PING, 'event: message_stop'],
])('a stream is kept alive while tools run: %s', async (_, path, question, sign, end) => {
  await using scene = await startModelScene(AUTO);
  const { models, scene: servers } = scene;
  const gate = Promise.withResolvers<void>();
  const { host } = servers.upstream;
  host.gate = gate.promise;
  models.script({ text: 'let me see ', calls: [{ name: 'c1-echo', args: { text: 'one' } }] }, { text: 'done' });
  vi.useFakeTimers({ toFake: ['setInterval'] });
  const arriving = await ask(scene, path, question);
  await waitFor(() => host.calls.length === 1, 'the tool runs');
  const before = occurrences(arriving.text, sign);
  await passSilence(() => occurrences(arriving.text, sign) >= before + 2, 'two signs of life');
  expect(arriving.ended).toBe(false);
  gate.resolve();
  await arriving.reading;
  expect(arriving.text.slice(arriving.text.lastIndexOf(sign))).toContain(end);
  const blocks = arriving.text.split('\n\n').filter((block) => block !== '');
  expect(blocks.filter((block) => !/^(?:: ping$|data: |event: \S+\ndata: )/.test(block))).toEqual([]);
});

test('while a model thinks its stream is kept alive between events, and nothing else of it changes', async () => {
  await using scene = await startModelScene();
  const chunk = (content: string, finish_reason: string | null = null) =>
    `data: ${JSON.stringify({ id: 'x', choices: [{ index: 0, delta: { content }, finish_reason }] })}\n\n`;
  const [first, second, rest] = [chunk('a'), chunk('b'), `${chunk('', 'stop')}data: [DONE]\n\n`];
  let held: ServerResponse | undefined;
  await using models = await listenHeld((response) => {
    held = response;
    response.write(first + second.slice(0, 9));
  });
  await addProvider(scene.gateway, 'groq', `${models.origin}/v1`);
  vi.useFakeTimers({ toFake: ['setInterval'] });
  const arriving = await ask(scene, '/v1/chat/completions', { ...MESSAGES, model: 'groq/llama' });
  await passSilence(() => arriving.text.includes(COMMENT), 'a sign of life');
  expect(arriving.text.startsWith(first + COMMENT)).toBe(true);
  held?.end(second.slice(9) + rest);
  await arriving.reading;
  expect(arriving.text.replaceAll(COMMENT, '')).toBe(first + second + rest);
});

test('a stream of which nothing has come yet is kept alive, so that its head arrives', async () => {
  await using scene = await startModelScene();
  let held: ServerResponse | undefined;
  await using models = await listenHeld((response) => {
    held = response;
    response.flushHeaders();
  });
  await addProvider(scene.gateway, 'groq', `${models.origin}/v1`);
  vi.useFakeTimers({ toFake: ['setInterval'] });
  const asked = ask(scene, '/v1/messages', { ...MESSAGES, model: 'groq/llama' });
  let hasHead = false;
  void asked.then(() => (hasHead = true));
  await passSilence(() => hasHead, 'the head of the answer');
  const arriving = await asked;
  await waitFor(() => arriving.text !== '', 'a sign of life');
  expect(arriving.text.replaceAll(COMMENT, '')).toBe('');
  held?.end();
  await arriving.reading;
});

/** A provider of models whose streams are gone on with by hand. */
async function listenHeld(begin: (response: ServerResponse) => void) {
  const host = await listenOnLoopback((request, response) => {
    request.resume();
    begin(response.writeHead(200, { 'content-type': 'text/event-stream' }));
  });
  return { origin: host.origin, [Symbol.asyncDispose]: () => host.stop() };
}
