import { describe, expect, test } from 'vitest';
import { readHead } from './read-head.ts';

function bytes(lines: readonly string[], body = '{}'): Buffer {
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${body}`, 'latin1');
}

const LINE = 'POST /mcp HTTP/1.1';
const HOST = 'Host: localhost';
const LENGTH = 'Content-Length: 2';

test('a plain request is read: its target, its headers by lower-case name, and where it ends', () => {
  const all = bytes(
    ['POST /mcp?mode=search HTTP/1.1', HOST, LENGTH, 'X-Note: \t two words\t ', 'Accept:*/*'],
    '{}POST',
  );
  expect(readHead(all)).toEqual({
    url: '/mcp?mode=search',
    headers: { host: 'localhost', 'content-length': '2', 'x-note': 'two words', accept: '*/*' },
    bodyAt: all.length - 6,
    end: all.length - 4,
  });
});

test('a value keeps its bytes, also those that look like spaces elsewhere', () => {
  const all = bytes([LINE, HOST, LENGTH, 'x-name: \u00a0caf\u00e9\u00a0']);
  expect(readHead(all)?.headers['x-name']).toBe('\u00a0caf\u00e9\u00a0');
});

test('the body may be still to come', () => {
  const all = bytes([LINE, HOST, 'content-length: 65536'], '');
  expect(readHead(all)).toMatchObject({ bodyAt: all.length, end: all.length + 65_536 });
});

describe('left to the server of Node:', () => {
  const cases: Record<string, readonly string[]> = {
    'another method': ['GET /mcp HTTP/1.1', HOST, LENGTH],
    'a method in small letters': ['post /mcp HTTP/1.1', HOST, LENGTH],
    'HTTP/1.0': ['POST /mcp HTTP/1.0', HOST, LENGTH],
    'no version': ['POST /mcp', HOST, LENGTH],
    'a target with a space': ['POST /mcp x HTTP/1.1', HOST, LENGTH],
    'a target with another letter': ['POST /mcp\u00e9 HTTP/1.1', HOST, LENGTH],
    'two spaces before the version': ['POST /mcp  HTTP/1.1', HOST, LENGTH],
    'an absolute target': ['POST http://localhost/mcp HTTP/1.1', HOST, LENGTH],
    'no header at all': [LINE],
    'no Host': [LINE, LENGTH],
    'no length': [LINE, HOST],
    'two Hosts': [LINE, HOST, HOST, LENGTH],
    'two lengths': [LINE, HOST, LENGTH, LENGTH],
    'a length with a sign': [LINE, HOST, 'content-length: +2'],
    'two lengths in one': [LINE, HOST, 'content-length: 2, 2'],
    'a hexadecimal length': [LINE, HOST, 'content-length: 0x2'],
    'an empty length': [LINE, HOST, 'content-length: '],
    'a large body': [LINE, HOST, 'content-length: 65537'],
    chunks: [LINE, HOST, 'Transfer-Encoding: chunked'],
    'chunks beside a length': [LINE, HOST, LENGTH, 'Transfer-Encoding: chunked'],
    'a coding that hides behind a space': [LINE, HOST, LENGTH, 'Transfer-Encoding : chunked'],
    'a name with an underscore': [LINE, HOST, LENGTH, 'Content_Length: 3'],
    'a name that every object has': [LINE, HOST, LENGTH, 'constructor: x'],
    'a header twice': [LINE, HOST, LENGTH, 'cookie: a=1', 'cookie: b=2'],
    'a folded line': [LINE, HOST, LENGTH, 'x-a: 1', ' 2'],
    'a line without a colon': [LINE, HOST, LENGTH, 'x-a'],
    'an empty name': [LINE, HOST, LENGTH, ': 1'],
    'a space in a name': [LINE, HOST, LENGTH, 'x a: 1'],
    'a line feed by itself': [LINE, HOST, LENGTH, 'x-a: 1\nx-b: 2'],
    'a carriage return by itself': [LINE, HOST, LENGTH, 'x-a: 1\rx-b: 2'],
    'a zero byte': [LINE, HOST, LENGTH, 'x-a: \0'],
    'Connection: close': [LINE, HOST, LENGTH, 'connection: close'],
    'a wish for another protocol': [LINE, HOST, LENGTH, 'upgrade: h2c'],
    Expect: [LINE, HOST, LENGTH, 'expect: 100-continue'],
    Trailer: [LINE, HOST, LENGTH, 'trailer: x-a'],
    'a head of more than 16 KiB': [LINE, HOST, LENGTH, `x-a: ${'a'.repeat(16 * 1024)}`],
  };
  test.each(Object.entries(cases))('%s', (_, lines) => {
    expect(readHead(bytes(lines))).toBeUndefined();
  });

  test('a head that is not all there, wherever it is cut', () => {
    const all = bytes([LINE, HOST, LENGTH], '');
    for (let end = 0; end < all.length; end += 1) expect(readHead(all.subarray(0, end))).toBeUndefined();
    expect(readHead(all)).toBeDefined();
  });
});
