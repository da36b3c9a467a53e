import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createLogger } from '../../lib/logger.ts';
import type { HotHandler } from '../hot.ts';
import { listen, type Listener } from '../listen.ts';
import { readNodeBody } from '../read-body.ts';
import { LaneRequest } from './lane-request.ts';

/** Which of the two ways served each request, in turn. */
let ways: string[];
let listener: Listener;
/** What ends requests to /wait. */
let release: () => void;
let closes: { readonly isSent: boolean }[];

const BIG = 'x'.repeat(300_000);

const echo: HotHandler = async (request, response) => {
  ways.push(request instanceof LaneRequest ? 'lane' : 'node');
  const body = await readNodeBody(request);
  response.writeHead(200, { 'content-type': 'text/plain', 'x-two': ['a', 'b'] }).end(`${request.url} ${String(body)}`);
};
const stream: HotHandler = async (request, response) => {
  ways.push(request instanceof LaneRequest ? 'lane' : 'node');
  await readNodeBody(request);
  response.writeHead(200).flushHeaders();
  response.write('one');
  response.write('');
  response.write(BIG);
  response.end('end');
};
const wait: HotHandler = async (request, response) => {
  ways.push(request instanceof LaneRequest ? 'lane' : 'node');
  const told = closes;
  response.once('close', () => told.push({ isSent: response.writableFinished }));
  await new Promise<void>((resolve) => (release = resolve));
  response.end('done');
};
const bad: HotHandler = (_, response) => {
  response.setHeader('x-request-id', '1'); // from then on Node, too, takes the fields of a head one by one
  response.writeHead(200, { 'content-length': 1, 'x-a': 'one\r\nx-b: two' }).end('1');
  return Promise.resolve();
};
const none: HotHandler = (_, response) => Promise.resolve(void response.writeHead(204).end());
/** The answer is the last, and more has been read when it is sent. */
const last: HotHandler = (request, response) => {
  response.writeHead(200, { connection: 'close' }).end('bye');
  request.socket.unshift(Buffer.from(post('/echo', 'late')));
  return Promise.resolve();
};

beforeEach(async () => {
  ways = [];
  closes = [];
  const hot = { '/echo': echo, '/stream': stream, '/wait': wait, '/bad': bad, '/none': none, '/last': last };
  const logger = createLogger({ level: 'silent', style: 'json' });
  const fetch = async (request: Request): Promise<Response> => {
    ways.push('node');
    return new Response(`fetched ${request.method} ${await request.text()}`);
  };
  listener = await listen({ host: '127.0.0.1', port: 0, hot, raw: {}, fetch, checkOrigin: () => undefined, logger });
});
afterEach(() => listener.drain(0));

function open(): Socket {
  return connect(Number(new URL(listener.address).port), '127.0.0.1');
}

function post(path: string, body: string, ...headers: string[]): string {
  const lines = [`POST ${path} HTTP/1.1`, 'Host: localhost', `Content-Length: ${Buffer.byteLength(body)}`, ...headers];
  return `${lines.join('\r\n')}\r\n\r\n${body}`;
}

/** Reads until the text has come so many times. */
async function read(socket: Socket, text: string, times = 1): Promise<string> {
  let all = '';
  for await (const chunk of socket.iterator({ destroyOnReturn: false })) {
    all += String(chunk);
    if (all.split(text).length > times) return all;
  }
  return all;
}

test('a plain request takes the lane, and its answer keeps the connection', async () => {
  const socket = open();
  socket.write(post('/echo?a=1', 'hello'));
  const answer = await read(socket, 'hello');
  expect(answer.replace(/date: .*/, 'date: D').split('\r\n')).toEqual([
    'HTTP/1.1 200 OK',
    'content-type: text/plain',
    'x-two: a',
    'x-two: b',
    'date: D',
    'connection: keep-alive',
    'keep-alive: timeout=75',
    'content-length: 15',
    '',
    '/echo?a=1 hello',
  ]);
  socket.write(post('/echo', 'again'));
  expect(await read(socket, 'again')).toContain('/echo again');
  expect(ways).toEqual(['lane', 'lane']);
  socket.destroy();
});

test('both ways give clients the same', async () => {
  const ask = async (path: string, headers: Record<string, string>) => {
    const answer = await fetch(listener.address + path, { method: 'POST', body: 'é', headers });
    const text = (await answer.text()).replace(/"event_id":"[^"]+"/, '');
    return [path, answer.status, answer.headers.get('x-two'), text];
  };
  for (const path of ['/echo', '/stream', '/none', '/bad', '/nowhere']) {
    expect(await ask(path, {})).toEqual(await ask(path, { x_other: '1' }));
  }
  expect(ways).toEqual(['lane', 'node', 'lane', 'node', 'node', 'node']);
  expect(await ask('/stream', {})).toEqual(['/stream', 200, null, `one${BIG}end`]);
  // The length of an answer whose head could not be written is not that of the error.
  expect(await ask('/bad', {})).toEqual(['/bad', 500, null, expect.stringMatching(/internal.*\}$/)]);
});

const HELLO = post('/echo', 'hello');
const HEAD_END = HELLO.indexOf('\r\n\r\n') + 4;

/** What is sent within this process is read in the next turns, however busy the machine is. */
async function untilRead(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await setImmediate();
}

async function sendInTwo(cut: number): Promise<void> {
  const socket = open().setNoDelay();
  await once(socket, 'connect');
  socket.write(HELLO.slice(0, cut));
  await untilRead();
  socket.write(HELLO.slice(cut));
  expect(await read(socket, 'hello')).toContain('/echo hello');
  socket.destroy();
}

test('a body that comes in pieces is waited for, wherever it is cut', async () => {
  for (let cut = HEAD_END; cut < HELLO.length; cut += 1) await sendInTwo(cut);
  expect(new Set(ways)).toEqual(new Set(['lane']));
});

test('a head that comes in pieces goes to the server of Node', async () => {
  for (const cut of [1, 20, HEAD_END - 3, HEAD_END - 1]) await sendInTwo(cut);
  expect(new Set(ways)).toEqual(new Set(['node']));
});

test('requests sent ahead are answered in turn, also over the change to the server of Node', async () => {
  const socket = open();
  const get = 'GET /nowhere HTTP/1.1\r\nHost: localhost\r\n\r\n';
  socket.write(
    post('/echo', 'first.') + post('/stream', '') + post('/echo', 'second.') + get + post('/echo', 'third.'),
  );
  const answer = await read(socket, 'third.');
  const seen = [...answer.matchAll(/first\.|one|second\.|fetched GET|third\./g)].map(String);
  expect(seen).toEqual(['first.', 'one', 'second.', 'fetched GET', 'third.']);
  expect(ways).toEqual(['lane', 'lane', 'lane', 'node', 'node']);
  socket.destroy();
});

test('an empty line behind a request is none of the next one, and keeps nobody waiting', async () => {
  const socket = open();
  for (const text of ['first.', 'second.']) {
    socket.write(`${post('/echo', text)}\r\n`);
    expect(await read(socket, text)).toContain(`/echo ${text}`);
  }
  expect(ways).toEqual(['lane', 'lane']);
  const closed = once(socket.resume(), 'close');
  await Promise.all([closed, listener.drain(60_000)]);
});

test('no more is read ahead of an answer than a little', async () => {
  const socket = open();
  socket.write(post('/wait', ''));
  const ahead = post('/echo', 'x'.repeat(60_000));
  for (let sent = 0; sent < 40_000_000; sent += ahead.length) socket.write(ahead);
  // What the client's own system and the other end take is not 40 MB.
  await sleep(200);
  expect(socket.writableLength).toBeGreaterThan(20_000_000);
  socket.destroy();
});

test('who asked hears of it when the caller goes away, and that all was sent when it was', async () => {
  const gone = open();
  gone.write(post('/wait', ''));
  await expect.poll(() => ways.length).toBe(1);
  gone.destroy();
  await expect.poll(() => closes).toEqual([{ isSent: false }]);
  const patient = open();
  patient.write(post('/wait', ''));
  await expect.poll(() => ways.length).toBe(2);
  release();
  expect(await read(patient, 'done')).toContain('done');
  await expect.poll(() => closes).toEqual([{ isSent: false }, { isSent: true }]);
  patient.destroy();
});

test('a stream stops when its client does not read, and goes on with it', async () => {
  const socket = open().pause();
  socket.write(post('/stream', ''));
  await sleep(50);
  let all = '';
  for await (const chunk of socket) {
    all += String(chunk);
    if (all.endsWith('0\r\n\r\n')) break;
  }
  const [head, ...parts] = all.split('\r\n\r\n');
  expect(head).toContain('transfer-encoding: chunked');
  expect(parts.join('\r\n\r\n')).toBe(`3\r\none\r\n${BIG.length.toString(16)}\r\n${BIG}\r\n3\r\nend\r\n0\r\n\r\n`);
});

test('while draining, what is under way is answered and told to go; what is idle is closed', async () => {
  const idle = open();
  idle.write(post('/echo', 'before'));
  await read(idle, 'before');
  const busy = open();
  busy.write(post('/wait', ''));
  await expect.poll(() => ways.length).toBe(2);
  const drained = listener.drain(60_000);
  await once(idle.resume(), 'close');
  busy.write(post('/echo', 'late'));
  release();
  const answer = await read(busy, 'late');
  expect(answer).toContain('done');
  expect(answer).toContain('connection: close');
  await drained;
});

test('nothing is run that comes after an answer which is the last', async () => {
  const socket = open();
  socket.write(post('/last', ''));
  expect(await read(socket, 'late')).toContain('bye');
  expect(ways).toEqual([]);
});

test('what is unusual is refused by the server of Node', async () => {
  const socket = open();
  socket.write(
    'POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\nhello',
  );
  expect(await read(socket, '400')).toContain('400 Bad Request');
});

test('the server of Node waits for a head and for a whole request, but not for ever', async () => {
  const servers: unknown[] = [];
  const see = (message: unknown): void => void servers.push((message as { server: unknown }).server);
  subscribe('http.server.request.start', see);
  await fetch(`${listener.address}/nowhere`);
  unsubscribe('http.server.request.start', see);
  expect(servers).toEqual([expect.objectContaining({ headersTimeout: 60_000, requestTimeout: 300_000 })]);
});

test('who does not finish a request, or is silent, is not kept for ever', async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'performance'] });
  const own = await listen({
    host: '127.0.0.1',
    port: 0,
    hot: { '/echo': echo },
    raw: {},
    fetch: () => new Response(),
    checkOrigin: () => undefined,
    logger: createLogger({ level: 'silent', style: 'json' }),
  });
  vi.advanceTimersByTime(1);
  const sockets = [0, 1, 2, 3].map(() => connect(Number(new URL(own.address).port), '127.0.0.1').setNoDelay());
  const [slow, idle, unused, dripping] = sockets as [Socket, Socket, Socket, Socket];
  const whole = post('/echo', 'hello');
  // So much comes in time that it is never silent for long.
  await once(dripping, 'connect');
  dripping.write(whole.slice(0, -5));
  for (const letter of 'hell') {
    await untilRead();
    vi.advanceTimersByTime(3_000);
    dripping.write(letter);
  }
  await untilRead();
  dripping.write('o');
  expect(await read(dripping, 'hello')).toContain('hello');
  expect(ways.splice(0)).toEqual(['node']);
  dripping.destroy();
  slow.write(whole.slice(0, -2));
  idle.write(whole);
  await read(idle, 'hello');
  const closed = Promise.all([once(idle.resume(), 'close'), once(unused.resume(), 'close')]);
  vi.advanceTimersByTime(90_000);
  await closed;
  // Its request went to Node's server, which lets bodies take their time.
  slow.write(whole.slice(-2));
  expect(await read(slow, 'hello')).toContain('hello');
  expect(ways).toEqual(['lane', 'node']);
  slow.destroy();
  vi.useRealTimers();
  await own.drain(0);
});
