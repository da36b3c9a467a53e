import { setTimeout as sleep } from 'node:timers/promises';
import { Pool, type Dispatcher } from 'undici';
import { expect, test } from 'vitest';
import { certificates } from '../../../test/kit/certificates.ts';
import {
  ask,
  connector,
  listenScripted,
  type Outcome,
  type Script,
  type Step,
} from '../../../test/kit/scripted-peer.ts';
import { Http1Client } from './client.ts';

const OK = 'HTTP/1.1 200 OK\r\n';
const HELLO = `${OK}content-length: 5\r\n\r\nhello`;
const CHUNKED = `${OK}transfer-encoding: chunked\r\n\r\n`;

/** Every letter a packet of its own, but for those of the status line, whose reason undici then forgets. */
const letters = (text: string): string[] => [OK, ...text.slice(OK.length).split('')];

const ANSWERS: Record<string, readonly Step[]> = {
  'a length': [HELLO],
  'no reason': ['HTTP/1.1 200\r\ncontent-length: 0\r\n\r\n'],
  'an empty reason': ['HTTP/1.1 200 \r\ncontent-length: 0\r\n\r\n'],
  'a reason beyond ASCII': ['HTTP/1.1 200 gr\xc3\xbcn\r\ncontent-length: 0\r\n\r\n'],
  'a length of nothing': [`${OK}Content-Length: 0\r\n\r\n`],
  'names in any case, several times': [
    `${OK}Set-Cookie: a\r\nSET-COOKIE: b\r\nx-a:1\r\nX-A: 2\r\nx-A:\t 3\r\ncontent-length: 0\r\n\r\n`,
  ],
  'names that objects have': [
    `${OK}constructor: a\r\n__proto__: b\r\n__proto__: c\r\ntoString: d\r\ntostring: e\r\ncontent-length: 0\r\n\r\n`,
  ],
  'empty and strange values': [`${OK}x-empty:\r\nx-latin: \xe4\xff\r\nx-colon: a:b: c\r\ncontent-length: 0\r\n\r\n`],
  'letter by letter': letters(HELLO),
  'chunks letter by letter': letters(`${CHUNKED}5\r\nhello\r\n0\r\n\r\n`),
  'chunks in one packet': [`${CHUNKED}5\r\nhello\r\nA\r\n, world...\r\n0\r\n\r\n`],
  'chunks with extensions': [`${CHUNKED}5;a=b;c="d"\r\nhello\r\n0;last\r\n\r\n`],
  'chunks with zeros before their size': [`${CHUNKED}00005\r\nhello\r\n000\r\n\r\n`],
  'chunks with trailers': [`${CHUNKED}5\r\nhello\r\n0\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\n`],
  'chunks and a coding before': [`${OK}transfer-encoding: gzip, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`],
  'chunks by two fields': [`${OK}transfer-encoding: gzip\r\ntransfer-encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`],
  'chunks that are not the last coding': [`${OK}transfer-encoding: chunked, gzip\r\n\r\nraw`, 'END'],
  'another coding': [`${OK}transfer-encoding: gzip\r\n\r\nraw`, 'END'],
  'until the end': [`${OK}\r\nhel`, 'lo', 'END'],
  'until the end, close said': [`${OK}connection: close\r\n\r\nhel`, 'lo', 'END'],
  'a length and close': [`${OK}connection: close\r\ncontent-length: 5\r\n\r\nhello`, 'END'],
  'close among others': [`${OK}connection: x, Close\r\ncontent-length: 5\r\n\r\nhello`],
  'close in a second field': [`${OK}connection: keep-alive\r\nconnection: close\r\ncontent-length: 5\r\n\r\nhello`],
  'HTTP/1.0': ['HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello'],
  'HTTP/1.0 that stays': ['HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 5\r\n\r\nhello'],
  'HTTP/1.0 until the end': ['HTTP/1.0 200 OK\r\n\r\nhello', 'END'],
  'a server that keeps for long': [`${OK}keep-alive: timeout=75, max=9\r\ncontent-length: 0\r\n\r\n`],
  'a server that hardly keeps': [`${OK}keep-alive: timeout=1\r\ncontent-length: 0\r\n\r\n`],
  'a server that keeps for two seconds': [`${OK}keep-alive: timeout=2\r\ncontent-length: 0\r\n\r\n`],
  '204': ['HTTP/1.1 204 No Content\r\n\r\n'],
  '204 with a length': ['HTTP/1.1 204 No Content\r\ncontent-length: 5\r\n\r\nhello'],
  '204 with chunks': ['HTTP/1.1 204 No Content\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
  '304 with a length': ['HTTP/1.1 304 Not Modified\r\ncontent-length: 5\r\n\r\n'],
  '205 with a body': ['HTTP/1.1 205 Reset\r\ncontent-length: 2\r\n\r\nhe'],
  'a status nobody knows': ['HTTP/1.1 799 What\r\ncontent-length: 0\r\n\r\n'],
  'more behind the response': [`${HELLO}HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbad`],
  'more after the response': [HELLO, 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbad'],
  'letters behind chunks': [`${CHUNKED}0\r\n\r\nHTTP`],
  'the end after the response': [HELLO, 'END'],
  'the end without a response': ['END'],
  'a reset without a response': ['RESET'],
  'the end in the status line': ['HTTP/1.1 2', 'END'],
  'the end in the head': [`${OK}x-a: 1\r\nx-`, 'END'],
  'the end in the body': [`${OK}content-length: 9\r\n\r\nhello`, 'END'],
  'the end in the body, close said': [`${OK}connection: close\r\ncontent-length: 9\r\n\r\nhello`, 'END'],
  'the end in a chunk': [`${CHUNKED}9\r\nhello`, 'END'],
  'the end in a chunk, close said': [`${OK}connection: close\r\ntransfer-encoding: chunked\r\n\r\n9\r\nhello`, 'END'],
  'the end before the last chunk': [`${CHUNKED}5\r\nhello\r\n`, 'END'],
  'the end in the trailers': [`${CHUNKED}0\r\nx-a: 1\r\n`, 'END'],
  'a reset in the body': [`${OK}content-length: 9\r\n\r\nhello`, 'RESET'],
  'another protocol': ['SSH-2.0-OpenSSH_9.9\r\n'],
  'no protocol, without an end': ['hello'],
  'HTTP/3.0': ['HTTP/3.0 200 OK\r\ncontent-length: 0\r\n\r\n'],
  'a status of two digits': ['HTTP/1.1 20 OK\r\ncontent-length: 0\r\n\r\n'],
  'a status of four digits': ['HTTP/1.1 2000 OK\r\ncontent-length: 0\r\n\r\n'],
  'a status of letters': ['HTTP/1.1 abc OK\r\ncontent-length: 0\r\n\r\n'],
  'LF without CR after the status line': ['HTTP/1.1 200 OK\ncontent-length: 0\n\n'],
  'LF without CR after a field': [`${OK}x-a: 1\ncontent-length: 0\r\n\r\n`],
  'LF without CR at the end of the head': [`${OK}content-length: 0\r\n\n`],
  'CR within a value': [`${OK}x-a: 1\rx-b: 2\r\ncontent-length: 0\r\n\r\n`],
  'NUL within a value': [`${OK}x-a: 1\0\r\ncontent-length: 0\r\n\r\n`],
  'a control character within a value': [`${OK}x-a: \x01\r\ncontent-length: 0\r\n\r\n`],
  'a folded value': [`${OK}x-a: 1\r\n 2\r\ncontent-length: 0\r\n\r\n`],
  'space before the first field': [`${OK} x-a: 1\r\ncontent-length: 0\r\n\r\n`],
  'space before a colon': [`${OK}x-a : 1\r\ncontent-length: 0\r\n\r\n`],
  'no colon': [`${OK}x-a\r\ncontent-length: 0\r\n\r\n`],
  'no name': [`${OK}: 1\r\ncontent-length: 0\r\n\r\n`],
  'a name with a letter that is none': [`${OK}x(a): 1\r\ncontent-length: 0\r\n\r\n`],
  'two lengths': [`${OK}content-length: 5\r\ncontent-length: 5\r\n\r\nhello`],
  'two lengths in one': [`${OK}content-length: 5, 5\r\n\r\nhello`],
  'a length with a sign': [`${OK}content-length: +5\r\n\r\nhello`],
  'a negative length': [`${OK}content-length: -5\r\n\r\nhello`],
  'no length in its field': [`${OK}content-length:\r\n\r\nhello`],
  'a length with letters': [`${OK}content-length: 5a\r\n\r\nhello`],
  'a length without bounds': [`${OK}content-length: 99999999999999999999999\r\n\r\nhello`],
  'a length, then chunks': [`${OK}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
  'chunks, then a length': [`${OK}transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n`],
  'a chunk without a size': [`${CHUNKED}\r\nhello\r\n0\r\n\r\n`],
  'a chunk with a size in letters': [`${CHUNKED}5g\r\nhello\r\n0\r\n\r\n`],
  'a chunk with a sign': [`${CHUNKED}-5\r\nhello\r\n0\r\n\r\n`],
  'a chunk with 0x': [`${CHUNKED}0x5\r\nhello\r\n0\r\n\r\n`],
  'a chunk without bounds': [`${CHUNKED}fffffffffffffffff\r\nhello\r\n0\r\n\r\n`],
  'a chunk longer than it says': [`${CHUNKED}4\r\nhello\r\n0\r\n\r\n`],
  'a chunk size that ends with LF': [`${CHUNKED}5\nhello\r\n0\r\n\r\n`],
  'chunk data that ends with LF': [`${CHUNKED}5\r\nhello\n0\r\n\r\n`],
  'a length as a trailer': [`${CHUNKED}5\r\nhello\r\n0\r\ncontent-length: 5\r\n\r\n`],
  'a broken trailer': [`${CHUNKED}5\r\nhello\r\n0\r\nx a: 5\r\n\r\n`],
  'fields that are too many': [`${OK}${'x-a: 12345678901234567890\r\n'.repeat(800)}\r\n`],
  'a field that is too long': [`${OK}x-a: ${'a'.repeat(17_000)}\r\n\r\n`],
  'a field without an end': [`${OK}x-a: ${'a'.repeat(17_000)}`],
  'a field that just fits': [`${OK}x-a: ${'a'.repeat(16_366)}\r\ncontent-length: 0\r\n\r\n`],
  'a field that just does not fit': [`${OK}x-a: ${'a'.repeat(16_367)}\r\ncontent-length: 0\r\n\r\n`],
  'trailers that are too long': [`${CHUNKED}0\r\nx-a: ${'a'.repeat(17_000)}\r\n\r\n`],
  'an early hint of another protocol': ['HTTP/1.1 101 Switching\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'],
};

interface Seen {
  readonly first: Outcome;
  readonly second: Outcome;
  readonly connections: string[][];
}

/** Two requests, one after the other, and over how many connections they went. */
async function observe(open: (origin: string) => Dispatcher, script: Script): Promise<Seen> {
  await using peer = await listenScripted(script);
  const dispatcher = open(peer.origin);
  const first = await ask(dispatcher, { headers: { 'x-own': 'a' } });
  // What comes after the response has come by then.
  await sleep(15);
  const second = await ask(dispatcher, {
    path: '/again?a=b',
    headers: ['X-Own', '\xe4'],
    body: Buffer.from('\xff', 'latin1'),
  });
  await dispatcher.destroy();
  // Each request names the port of its peer.
  const port = new URL(peer.origin).port;
  const connections = peer.connections.map((requests) => requests.map((text) => text.replaceAll(port, 'PORT')));
  return { first: broken(first), second: broken(second), connections };
}

/** Once a broken head has named a length, undici calls that the error. */
function broken({ status, error, ...rest }: Outcome): Outcome {
  const isHead = status === undefined && error === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH';
  return {
    ...rest,
    ...(status === undefined ? {} : { status }),
    ...(error && { error: isHead ? 'HTTPParserError' : error }),
  };
}

const undici = (origin: string): Dispatcher =>
  new Pool(origin, { connect: connector(), headersTimeout: 0, bodyTimeout: 0 });
const own = (origin: string): Dispatcher => new Http1Client(origin, { connect: connector() });

test.concurrent.for(Object.entries(ANSWERS))('%s: as undici', async ([, answer]) => {
  // The second answer of a connection is always a good one, and so is the first of a second connection when this one is lost.
  const [theirs, ours] = await Promise.all([observe(undici, [answer, [HELLO]]), observe(own, [answer, [HELLO]])]);
  expect(ours).toEqual(theirs);
});

test('an interim response is passed over, also that which undici takes for an error', async () => {
  const early = 'HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n';
  const answer = [`HTTP/1.1 100 Continue\r\n\r\n${early}`, `${early}${HELLO}`];
  const { first, second, connections } = await observe(own, [answer, [HELLO]]);
  expect(first).toEqual({ status: 200, reason: 'OK', headers: { 'content-length': '5' }, body: 'hello', trailers: {} });
  expect(second).toEqual(first);
  expect(connections).toHaveLength(1);
});

test('101 that nobody asked for is an error', async () => {
  const { first } = await observe(own, [['HTTP/1.1 101 Switching\r\n\r\n'], [HELLO]]);
  expect(first).toEqual({ body: '', error: 'UND_ERR_SOCKET bad upgrade' });
});

test('blanks at the end of a value are none of it (RFC 9110, 5.5), as undici has them', async () => {
  const { first } = await observe(own, [[`${OK}x-a: 1 \t\r\ncontent-length: 0 \r\n\r\n`], [HELLO]]);
  expect(first).toMatchObject({ headers: { 'x-a': '1', 'content-length': '0' } });
});

test('a control character in the reason is refused, which undici lets through', async () => {
  const { first } = await observe(own, [['HTTP/1.1 200 a\0b\r\ncontent-length: 0\r\n\r\n'], [HELLO]]);
  expect(first).toEqual({ body: '', error: 'HTTPParserError' });
});

test.concurrent.for([
  ['text beyond ASCII', { body: 'grün €' }],
  ['an empty text', { body: '' }],
  ['no body', { body: null }],
  ['GET', { method: 'GET', body: null }],
  ['DELETE', { method: 'DELETE', body: null }],
  ['OPTIONS', { method: 'OPTIONS', body: null }],
  ['HEAD', { method: 'HEAD', body: null }],
  ['GET with a body', { method: 'GET', body: 'a' }],
  ['PUT', { method: 'PUT', body: new Uint8Array([255, 0, 10]) }],
  ['a method in small letters', { method: 'post' }],
  ['a view that is no array of bytes', { body: new Uint16Array([1, 2]) as unknown as Uint8Array }],
  ['a large text', { body: 'ä'.repeat(20_000) }],
  ['large bytes', { body: Buffer.alloc(100_000, 'a') }],
  ['a host of its own', { headers: { host: 'other.corp' } }],
  ['its own length', { headers: { 'content-length': '2' } }],
  ['its own, wrong length', { headers: { 'content-length': '3' } }],
  ['close', { headers: { connection: 'close' } }],
  ['a list of values', { headers: { 'x-a': ['1', '2'] } }],
  ['an undefined value', { headers: { 'x-a': undefined } }],
  ['a number', { headers: { 'x-a': 1 as unknown as string } }],
  ['pairs', { headers: new Map([['x-a', '1']]) }],
  ['CR LF in a value', { headers: { 'x-a': '1\r\nx-b: 2' } }],
  ['LF in a name', { headers: { 'x-a\n': '1' } }],
  ['NUL in a value', { headers: { 'x-a': '1\0' } }],
  ['a value beyond latin1', { headers: { 'x-a': '€' } }],
  ['Transfer-Encoding', { headers: { 'transfer-encoding': 'chunked' } }],
  ['Expect', { headers: { expect: '100-continue' } }],
  ['an odd list', { headers: ['x-a'] }],
  ['space in the path', { path: '/a b' }],
  ['CR LF in the path', { path: '/a\r\nx: y' }],
  ['a path beyond latin1', { path: '/€' }],
  ['a path beyond ASCII', { path: '/\xe4' }],
  ['no slash', { path: 'a' }],
  ['a whole address as the path', { path: 'http://other.corp/a' }],
  ['a query', { query: { a: 'b' } }],
  ['no method', { method: 'a b' }],
  ['an upgrade nobody answers', { upgrade: 'websocket' }],
  ['reset', { reset: true }],
] satisfies [string, Partial<Dispatcher.DispatchOptions>][])('a request with %s: as undici', async ([, options]) => {
  const run = async (open: (origin: string) => Dispatcher): Promise<unknown> => {
    await using peer = await listenScripted([[HELLO]]);
    const dispatcher = open(peer.origin);
    const first = await ask(dispatcher, options);
    await sleep(5);
    const outcomes = [first, await ask(dispatcher, options)];
    await dispatcher.destroy();
    const port = new URL(peer.origin).port;
    return { outcomes, connections: peer.connections.map((all) => all.map((text) => text.replaceAll(port, 'PORT'))) };
  };
  const [theirs, ours] = await Promise.all([run(undici), run(own)]);
  expect(ours).toEqual(theirs);
});

test('over TLS: as undici', async () => {
  const made = await certificates();
  const run = async (open: (origin: string, ca?: string) => Dispatcher, ca?: string): Promise<unknown> => {
    await using peer = await listenScripted([letters(HELLO)], made);
    const dispatcher = open(peer.origin, ca);
    const first = await ask(dispatcher);
    await sleep(5);
    const outcomes = [first, await ask(dispatcher, { body: Buffer.alloc(100_000, 'a') })];
    await dispatcher.destroy();
    return { outcomes, connections: peer.connections.map(({ length }) => length) };
  };
  const pool = (origin: string, ca?: string): Dispatcher => new Pool(origin, { connect: connector(ca) });
  const client = (origin: string, ca?: string): Dispatcher => new Http1Client(origin, { connect: connector(ca) });
  const trusted = await run(client, made.ca);
  expect(trusted).toEqual(await run(pool, made.ca));
  expect(trusted).toMatchObject({ outcomes: [{ body: 'hello' }, { body: 'hello' }], connections: [2] });
  const refused = await run(client);
  expect(refused).toEqual(await run(pool));
  expect(refused).toMatchObject({ outcomes: [{ error: 'UNABLE_TO_VERIFY_LEAF_SIGNATURE' }, {}] });
});
