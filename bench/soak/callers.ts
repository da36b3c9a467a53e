import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Pool } from 'undici';
import { connectAsked } from '../../test/kit/asked-clients.ts';
import { runCode } from '../../test/kit/code.ts';
import { connectSseV1 } from '../../test/kit/sse-clients.ts';
import { openSession as openByHand, openStream, modernRequest, postMcp, postModern } from '../../test/kit/wire.ts';
import { createCall, type CallKind, type Era } from '../calls.ts';
import { CLIENT_HEADERS, closeSession, openSession, post } from '../exchange.ts';
import type { Tally } from './tally.ts';
import type { World } from './world.ts';

const SESSION_CALLS = 200;
/** A call that nobody waits for takes so long. */
const LONG_MS = 20_000;
let nextId = 1_000_000_000;

/** Those who call tools and models, well or badly behaved, until the signal is aborted. Gives what to wait for. */
export function startCallers(world: World, tally: Tally, pool: Pool): Promise<void>[] {
  const { caller } = world;
  const fast = (name: string, era: Era, kind: CallKind) =>
    tally.repeat(name, () => callMany(world, pool, era, kind).then((calls) => tally.count(name, calls - 1)));
  return [
    fast('tools/call, modern', 'modern', { kind: 'echo', tool: 'fast-echo' }),
    fast('tools/call, legacy sessions', 'legacy', { kind: 'echo', tool: 'fast-echo' }),
    fast('tools/call, legacy sessions', 'legacy', { kind: 'echo', tool: 'fast-echo' }),
    tally.repeat('tools/list, modern', () => listTools(world), 5),
    tally.repeat('tools/call, stdio server', () => callOnce(world, 'child-echo', { text: 'hi' }, 'hi'), 5),
    tally.repeat('tools/call, modern server', () => callOnce(world, 'modern-echo', { text: 'hi' }, 'hi'), 5),
    tally.repeat('event streams, legacy', () => holdStream(world), 50),
    tally.repeat('event streams, modern', () => holdListening(world), 50),
    tally.repeat('HTTP+SSE clients', () => useSse(world), 200),
    tally.repeat('questions to the user', () => answerQuestions(world), 200),
    tally.repeat('questions left unanswered', () => leaveQuestion(world), 300),
    tally.repeat('calls cancelled, legacy', () => cancelLegacy(world), 50),
    tally.repeat('calls aborted, modern', () => abortCall(world, 'modern'), 50),
    tally.repeat('calls aborted, legacy', () => abortCall(world, 'legacy'), 50),
    tally.repeat('connections cut in a request', () => cutConnection(world), 50),
    tally.repeat('runs of code', () => runSomeCode(world), 200),
    tally.repeat('chat completions with tools', () => chat(world, false), 50),
    tally.repeat('chat completions, streamed', () => chat(world, true), 50),
    tally.repeat('chat completions aborted', () => chat(world, true, 3), 50),
    tally.repeat('logs read', () => read(world, '/api/mcp-logs?limit=10'), 500),
    tally.repeat('metrics read', () => read(world, '/metrics'), 1000),
    tally.repeat('wrong keys', () => refuse(caller.address), 100),
  ];
}

async function callMany(world: World, pool: Pool, era: Era, kind: CallKind): Promise<number> {
  const call = createCall(kind, era);
  const headers = { ...CLIENT_HEADERS, authorization: `Bearer ${world.caller.apiKey}`, ...call.headers };
  const endpoint = { pool, path: '/mcp', headers };
  const client = era === 'legacy' ? await openSession(endpoint) : endpoint;
  for (let index = 0; index < SESSION_CALLS; index += 1) {
    const id = (nextId += 1);
    call.check(id, await post(client, call.write(id)));
  }
  if (era === 'legacy') await closeSession(client);
  return SESSION_CALLS;
}

async function listTools({ caller }: World): Promise<void> {
  const { reply, text } = await postModern(caller, 'tools/list');
  if (!Array.isArray(reply.result?.['tools'])) throw new Error(`tools/list: ${text}`);
}

async function callOnce({ caller }: World, name: string, args: object, expected: string): Promise<void> {
  const { reply, text } = await postModern(caller, 'tools/call', { name, arguments: args });
  const [content] = (reply.result?.['content'] ?? []) as { text?: string }[];
  if (content?.text !== expected) throw new Error(`${name}: ${text}`);
}

async function holdStream({ caller }: World): Promise<void> {
  const session = await openByHand(caller);
  {
    await using stream = await openStream(caller, { headers: session.headers });
    if (stream.status !== 200) throw new Error(`GET /mcp: ${stream.status}`);
    await sleep(Math.random() * 200);
  }
  // One in ten leaves without a word, as clients do.
  if (Math.random() < 0.1) return;
  await fetch(`${caller.address}/mcp`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${caller.apiKey}`, ...session.headers },
  });
}

async function holdListening({ caller }: World): Promise<void> {
  const { message, headers } = modernRequest('subscriptions/listen', { notifications: { toolsListChanged: true } });
  await using stream = await openStream(caller, { method: 'POST', body: JSON.stringify(message), headers });
  if (stream.status !== 200) throw new Error(`subscriptions/listen: ${stream.status}`);
  await sleep(Math.random() * 200);
}

async function useSse({ caller }: World): Promise<void> {
  await using client = await connectSseV1(caller);
  const text = await client.call('slow-echo', { text: 'over SSE' });
  if (text !== 'over SSE') throw new Error(`slow-echo over SSE: ${text}`);
}

async function answerQuestions({ caller }: World): Promise<void> {
  for (const era of ['legacy', 'modern'] as const) {
    await using client = await connectAsked(era, caller, { name: 'Soak' });
    for (const server of ['legacyAsks', 'modernAsks']) {
      const text = await client.run('tools/call', 'form', { server });
      if (!text.includes('Soak')) throw new Error(`${server}-form, ${era}: ${text}`);
    }
  }
}

/** The user goes away while a server waits for an answer. */
async function leaveQuestion({ caller }: World): Promise<void> {
  for (const era of ['legacy', 'modern'] as const) {
    const asked = Promise.withResolvers<void>();
    const leave = new AbortController();
    const answer = () => (asked.resolve(), new Promise<never>(() => {}));
    await using client = await connectAsked(era, caller, { name: 'Soak', answer });
    const run = client.run('tools/call', 'form', { server: 'legacyAsks', signal: leave.signal }).catch(() => undefined);
    await Promise.race([asked.promise, run]);
    leave.abort();
    // The client of the modern revision goes on waiting for its user.
    await Promise.race([run, sleep(100)]);
  }
}

async function cancelLegacy({ caller }: World): Promise<void> {
  const session = await openByHand(caller);
  const abort = new AbortController();
  const requestId = (nextId += 1);
  const params = { name: 'slow-slow', arguments: { ms: LONG_MS } };
  const call = { jsonrpc: '2.0', id: requestId, method: 'tools/call', params };
  const answer = postMcp(caller, call, { headers: session.headers, signal: abort.signal }).catch(() => undefined);
  await sleep(20);
  await session.notify('notifications/cancelled', { requestId, reason: 'enough' });
  // Whether a cancelled request is answered at all is for the server to choose.
  await Promise.race([answer, sleep(200)]);
  abort.abort();
  await answer;
  await fetch(`${caller.address}/mcp`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${caller.apiKey}`, ...session.headers },
  });
}

async function abortCall({ caller }: World, era: 'legacy' | 'modern'): Promise<void> {
  const signal = AbortSignal.timeout(30);
  const name = Math.random() < 0.5 ? 'slow-slow' : 'child-slow';
  const params = { name, arguments: { ms: LONG_MS } };
  if (era === 'modern') return void (await postModern(caller, 'tools/call', params, { signal }).catch(() => undefined));
  const session = await openByHand(caller);
  const call = { jsonrpc: '2.0', id: (nextId += 1), method: 'tools/call', params };
  await postMcp(caller, call, { headers: session.headers, signal: AbortSignal.timeout(30) }).catch(() => undefined);
  await fetch(`${caller.address}/mcp`, {
    method: 'DELETE',
    headers: { authorization: `Bearer ${caller.apiKey}`, ...session.headers },
  });
}

/** A client that dies while it sends its body. */
async function cutConnection({ caller }: World): Promise<void> {
  const { hostname, port } = new URL(caller.address);
  const socket = connect(Number(port), hostname);
  const head = `POST /mcp HTTP/1.1\r\nHost: ${hostname}\r\nAuthorization: Bearer ${caller.apiKey}\r\n`;
  socket.on('error', () => {});
  socket.write(`${head}Content-Type: application/json\r\nContent-Length: 5000\r\n\r\n{"jsonrpc":"2.0",`);
  await sleep(20);
  socket.destroy();
}

async function runSomeCode({ caller }: World): Promise<void> {
  const code = `const all = await Promise.all([1, 2, 3].map((n) => slow.add({ a: n, b: 1 }))); return all;`;
  const { text, isError } = await runCode(caller, code);
  if (isError || !text.includes('4')) throw new Error(`code: ${text}`);
}

async function chat({ caller }: World, stream: boolean, leaveAfterMs?: number): Promise<void> {
  const body = { model: 'openai/gpt-4o-mini', messages: [{ role: 'user', content: 'Hello' }], stream };
  const answer = fetch(`${caller.address}/v1/chat/completions`, {
    method: 'POST',
    headers: { authorization: `Bearer ${caller.apiKey}`, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    ...(leaveAfterMs !== undefined && { signal: AbortSignal.timeout(leaveAfterMs) }),
  }).then(async (response) => `${response.status} ${await response.text()}`);
  if (leaveAfterMs !== undefined) return void (await answer.catch(() => undefined));
  const text = await answer;
  if (!text.startsWith('200') || !text.includes('tool said')) throw new Error(`chat: ${text.slice(0, 200)}`);
}

async function read({ gateway }: World, path: string): Promise<void> {
  const response = await fetch(`${gateway.address}${path}`, { headers: { authorization: `Bearer ${gateway.apiKey}` } });
  await response.arrayBuffer();
  if (response.status !== 200) throw new Error(`${path}: ${response.status}`);
}

async function refuse(address: string): Promise<void> {
  const { status } = await postModern({ address, apiKey: 'sk-bf-wrong' }, 'tools/list');
  if (status !== 401) throw new Error(`a wrong key: ${status}`);
}
