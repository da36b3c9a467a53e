import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { answeredIds, oneLine, readClientMessage, readRpcError } from './message.ts';
import { encodeHeader } from '../../lib/header-value.ts';

const read = (text: string) => readClientMessage(Buffer.from(text));

describe('a line of the client', () => {
  test('is a request, a notification or a response', () => {
    expect(read('{"id":1,"method":"ping"}')).toMatchObject({ method: 'ping', ids: [{ text: '1', value: 1 }] });
    expect(read('{"method":"notifications/x"}')).toMatchObject({ method: 'notifications/x', ids: [] });
    expect(read('{"id":1,"result":{"method":"m"}}')).toMatchObject({ method: undefined, ids: [] });
    expect(read('{"id":"\\u0061","method":"m"}').ids).toEqual([{ text: '"\\u0061"', value: 'a' }]);
  });

  test('may be a batch, whose requests are found among the rest', () => {
    const batch = read('[{"id":1,"method":"a"},{"method":"n"},{"id":2,"result":{}},{"id":"3","method":"b"}]');
    expect(batch.ids.map(({ value }) => value)).toEqual([1, '3']);
    expect(batch.isBatch).toBe(true);
  });

  test('says what it cancels', () => {
    expect(read('{"method":"notifications/cancelled","params":{"requestId":"7"}}').cancels).toBe('7');
    expect(read('{"method":"notifications/cancelled","params":{"requestId":7}}').cancels).toBe(7);
    expect(read('{"method":"tools/call","params":{"requestId":7}}').cancels).toBeUndefined();
  });

  test.for([
    ['tools/call', '"name":"a"', ['mcp-name', 'a']],
    ['prompts/get', '"name":"a"', ['mcp-name', 'a']],
    ['resources/read', '"uri":"file:///ä","name":"n"', ['mcp-name', '=?base64?ZmlsZTovLy/DpA==?=']],
    ['tools/list', '"name":"a"', []],
    ['tools/call', '"x":1', []],
  ] as const)('of the modern revision repeats itself in headers: %s with %s', ([method, params, name]) => {
    const meta = '"_meta":{"x":[],"io.modelcontextprotocol/protocolVersion":"2026-07-28"}';
    const { modernHeaders } = read(`{"id":1,"method":"${method}","params":{${params},${meta}}}`);
    expect(modernHeaders).toEqual(['mcp-protocol-version', '2026-07-28', 'mcp-method', method, ...name]);
    expect(read(`{"id":1,"method":"${method}","params":{${params}}}`).modernHeaders).toBeUndefined();
  });

  test.for(['', 'x', '1', '"a"', '{', '{}}', '{} {}', '[{]', '[1]'])('is refused if it is %j', (text) => {
    expect(() => read(text)).toThrow(SyntaxError);
  });
});

test('an answer names the requests that it answers, and other messages none', () => {
  const ids = (text: string) => answeredIds(Buffer.from(text));
  expect(ids('{"id":1,"result":{}}')).toEqual([1]);
  expect(ids('[{"id":1,"error":{}},{"id":"2","result":{}}]')).toEqual([1, '2']);
  expect(ids('{"id":1,"method":"ping"}')).toEqual([]);
  expect(ids('{"id":null,"error":{}}')).toEqual([]);
  expect(() => ids('<html>')).toThrow(SyntaxError);
});

test('only a JSON-RPC error is one', () => {
  const text = (body: string) => readRpcError(Buffer.from(body))?.text;
  expect(text('{"jsonrpc":"2.0","id":null,"error":{"code":1,"message":"m"}}')).toBe('m');
  expect(text('{"error":{"code":1,"message":"m"}}')).toBeUndefined();
  expect(text('{"jsonrpc":"2.0","error":"m"}')).toBeUndefined();
  expect(text('null')).toBeUndefined();
  expect(text('<html>')).toBeUndefined();
});

test('putting a message on one line changes nothing in it', () => {
  fc.assert(
    fc.property(fc.json(), fc.constantFrom('\n', '\r\n', '\t\n'), (json, indent) => {
      const value: unknown = JSON.parse(json);
      const pretty = JSON.stringify(value, undefined, 2).replaceAll('\n', indent);
      const line = oneLine(Buffer.from(pretty)).toString();
      expect(line).not.toMatch(/[\r\n]/);
      expect(JSON.parse(line)).toEqual(value);
    }),
  );
});

test('every value can be put in a header and be read again', () => {
  const decode = (header: string): string => {
    const encoded = /^=\?base64\?(.*)\?=$/.exec(header)?.[1];
    return encoded === undefined ? header : Buffer.from(encoded, 'base64').toString();
  };
  const value = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('', ' a', 'a\t', '=?base64?YQ==?=', 'a\nb'));
  fc.assert(
    fc.property(value, (text) => {
      const header = encodeHeader(text);
      expect(header).toMatch(/^[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?$/);
      expect(decode(header)).toBe(text);
    }),
  );
});
