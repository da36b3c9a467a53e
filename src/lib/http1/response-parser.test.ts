import { expect, test } from 'vitest';
import { growthOf } from '../../../test/kit/old-generation.ts';
import { ResponseParser, type ResponseSink } from './response-parser.ts';

const OK = 'HTTP/1.1 200 OK\r\n';
const PLAIN = `${OK}Content-Type: application/json\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 11\r\n\r\nhello\r\n\r\n12`;
const CHUNKED = `${OK}Transfer-Encoding: chunked\r\n\r\n5;a=b\r\nhello\r\n00a\r\n0123456789\r\n0\r\nX-Sum: 3\r\n\r\n`;
const ROW = Array.from(
  { length: 12 },
  (_, index) => `${(index + 9).toString(16)}\r\n${'\r\n0a'.repeat(5).slice(0, index + 9)}\r\n`,
);
const MANY = `${OK}Transfer-Encoding: chunked\r\n\r\n${ROW.join('')}0\r\n\r\n`;
const INTERIM = `HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n`;
const TO_END = `HTTP/1.0 200 OK\r\n\r\nuntil the end`;

interface Parsed {
  readonly events: unknown[];
  readonly body: string;
  readonly taken: number;
  readonly error?: string;
  readonly keepsAlive: boolean;
}

/** Parses pieces; between those that `isPaused` names, the sink wants no more and then goes on. */
function parse(pieces: readonly string[], isPaused = false): Parsed {
  const events: unknown[] = [];
  let body = '';
  const sink: ResponseSink = {
    onHead: (...head) => (events.push(head), !isPaused),
    onBody: (chunk) => ((body += chunk.toString('latin1')), !isPaused),
    onEnd: (trailers) => void events.push(trailers),
  };
  const parser = new ResponseParser(sink);
  let taken = 0;
  let error: string | undefined;
  try {
    for (const piece of pieces) {
      const bytes = Buffer.from(piece, 'latin1');
      let at = parser.execute(bytes);
      if (isPaused) at = goOn(parser, bytes, at);
      taken += at;
    }
    if (isPaused) parser.execute(Buffer.alloc(0));
  } catch (thrown) {
    error = (thrown as Error).name;
  }
  if (error === undefined) error = parser.finish()?.name;
  return { events, body, taken, keepsAlive: parser.keepsAlive, ...(error === undefined ? {} : { error }) };
}

/** Goes on after each pause, as long as that leads on. */
function goOn(parser: ResponseParser, bytes: Buffer, from: number): number {
  const at = parser.execute(bytes, from);
  return at === from ? at : goOn(parser, bytes, at);
}

test('a response is told as it is', () => {
  expect(parse([PLAIN])).toEqual({
    events: [[200, { 'content-type': 'application/json', 'x-a': ['1', '2'], 'content-length': '11' }, 'OK'], {}],
    body: 'hello\r\n\r\n12',
    taken: PLAIN.length,
    keepsAlive: true,
  });
  expect(parse([CHUNKED])).toMatchObject({ body: 'hello0123456789', events: [[200, {}, 'OK'], { 'x-sum': '3' }] });
  expect(parse([INTERIM])).toMatchObject({ body: '', events: [[204, {}, 'No Content'], {}], keepsAlive: true });
  expect(parse([TO_END])).toMatchObject({ body: 'until the end', events: [[200, {}, 'OK'], {}], keepsAlive: false });
});

test.for<[string, string]>([
  ['a length', PLAIN],
  ['chunks', CHUNKED],
  ['many chunks', MANY],
  ['an interim response', INTERIM],
  ['the end of the connection', TO_END],
  ['more than the response', `${PLAIN}HTTP/1.1`],
  ['a head of several glances', `${OK}${'x-many: 0123456789\r\n'.repeat(300)}content-length: 2\r\n\r\nab`],
])('wherever a response with %s is split, it is the same', ([, text]) => {
  const whole = parse([text]);
  expect(whole.error).toBeUndefined();
  const step = Math.max(1, Math.floor(text.length / 400));
  for (let at = 1; at < text.length; at += step) {
    expect(parse([text.slice(0, at), text.slice(at)]), `at ${at}`).toEqual(whole);
    expect(parse([text.slice(0, at), text.slice(at)], true), `paused, at ${at}`).toEqual(whole);
  }
  expect(parse(text.split(''))).toEqual(whole);
  expect(parse([text], true)).toEqual(whole);
});

test.for<[string, string]>([
  ['no status line', '\r\nHTTP/1.1 200 OK\r\n\r\n'],
  ['a version nobody knows', 'HTTP/1.2 200 OK\r\n\r\n'],
  ['no space before the status', 'HTTP/1.1\t200 OK\r\n\r\n'],
  ['a status below 100', 'HTTP/1.1 099 OK\r\n\r\n'],
  ['no space after the status', 'HTTP/1.1 200OK\r\n\r\n'],
  ['another protocol', 'SSH-2.0-x\r\n'],
  ['LF alone', `${OK}a: b\nc: d\r\n\r\n`],
  ['CR alone', `${OK}a: b\rc: d\r\n\r\n`],
  ['NUL', `${OK}a: \0\r\n\r\n`],
  ['DEL', `${OK}a: \x7f\r\n\r\n`],
  ['a folded line', `${OK}a: b\r\n c\r\n\r\n`],
  ['space before the colon', `${OK}content-length : 5\r\n\r\n`],
  ['a name that is no token', `${OK}a@b: 5\r\n\r\n`],
  ['a name without a colon', `${OK}a\r\nb: c\r\n\r\n`],
  ['two lengths', `${OK}content-length: 1\r\nContent-Length: 1\r\n\r\na`],
  ['a list of lengths', `${OK}content-length: 1, 1\r\n\r\na`],
  ['a length in hex', `${OK}content-length: 0x1\r\n\r\na`],
  ['a length beyond what numbers can tell', `${OK}content-length: 9007199254740993\r\n\r\na`],
  ['a length and chunks', `${OK}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
  ['a length, in 204 too', `HTTP/1.1 204 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n`],
  ['a size with space', `${OK}transfer-encoding: chunked\r\n\r\n5 \r\nhello\r\n0\r\n\r\n`],
  ['a size with LF', `${OK}transfer-encoding: chunked\r\n\r\n5\nhello\r\n0\r\n\r\n`],
  ['a size that overflows', `${OK}transfer-encoding: chunked\r\n\r\n20000000000000\r\n`],
  ['an extension with LF', `${OK}transfer-encoding: chunked\r\n\r\n5;\nhello\r\n0\r\n\r\n`],
  ['a chunk that is too short', `${OK}transfer-encoding: chunked\r\n\r\n6\r\nhello\r\n0\r\n\r\n`],
  ['a chunk that is too long', `${OK}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n2\r\nabcd\r\n0\r\n\r\n`],
  ['a length behind chunks', `${OK}transfer-encoding: chunked\r\n\r\n0\r\nContent-Length: 1\r\n\r\n`],
])('%s is refused wherever it is split', ([, text]) => {
  expect(parse([text]).error).toBe('HTTPParserError');
  for (let at = 1; at < text.length; at += 1) {
    expect(parse([text.slice(0, at), text.slice(at)]).error, `at ${at}`).toBe('HTTPParserError');
  }
});

test('chunks that come together are one piece of the body', () => {
  const pieces: string[] = [];
  const onBody = (chunk: Buffer) => pieces.push(chunk.toString()) > 0;
  const parser = new ResponseParser({ onHead: () => true, onBody, onEnd: () => undefined });
  const text = `${OK}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n001\r\n \r\n`;
  parser.execute(Buffer.from(`${text}5\r\nworld\r\n3\r\n, `));
  parser.execute(Buffer.from('a\r\n2;x\r\nnd\r\n1\r\n \r\n3\r\nso \r\n2\r\non\r\n0\r\n\r\n'));
  expect(pieces).toEqual(['hello world', ', ', 'a', 'nd', ' so on']);
});

test('what may not become a head is not waited for', () => {
  const parser = new ResponseParser({ onHead: () => true, onBody: () => true, onEnd: () => undefined });
  expect(() => parser.execute(Buffer.from('220 mail'))).toThrow('Expected HTTP/');
  const other = new ResponseParser({ onHead: () => true, onBody: () => true, onEnd: () => undefined });
  expect(() => other.execute(Buffer.from(`${OK}a: b\nc`))).toThrow('Missing expected CR');
});

test('a head or an extension without end is cut off', () => {
  const head = new ResponseParser({ onHead: () => true, onBody: () => true, onEnd: () => undefined });
  head.execute(Buffer.from(`${OK}a: `));
  expect(() => {
    for (let times = 0; times < 20; times += 1) head.execute(Buffer.alloc(1000, 'a'));
  }).toThrow('Headers Overflow');
  const chunks = new ResponseParser({ onHead: () => true, onBody: () => true, onEnd: () => undefined });
  chunks.execute(Buffer.from(`${OK}transfer-encoding: chunked\r\n\r\n5;`));
  expect(() => chunks.execute(Buffer.alloc(20_000, 'a'))).toThrow('chunk extensions');
});

test('what a response has made is garbage afterwards', () => {
  const bytes = Buffer.from(PLAIN);
  let kept: unknown;
  const parser = new ResponseParser({
    onHead: (_, fields) => ((kept = fields), true),
    onBody: () => true,
    onEnd: () => undefined,
  });
  const growth = growthOf((ballast) => {
    parser.execute(bytes);
    Object.assign(kept as object, { ballast });
    parser.reset();
  });
  expect(growth).toBeLessThan(2_000_000);
});
