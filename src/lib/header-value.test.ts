import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decodeHeader, encodeHeader } from './header-value.ts';

test('any text comes out of a header as it went in', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const header = encodeHeader(text);
      expect(header).toMatch(/^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/);
      expect(decodeHeader(header)).toBe(text.toWellFormed());
    }),
  );
});

test('text that looks encoded is encoded again, so that it is not taken for what it looks like', () => {
  fc.assert(
    fc.property(fc.base64String(), fc.constantFrom('=?base64?', ''), fc.constantFrom('?=', '='), (text, start, end) => {
      const value = `${start}${text}${end}`;
      expect(decodeHeader(encodeHeader(value))).toBe(value);
    }),
  );
  expect(encodeHeader('=?base64?literal?=')).toBe('=?base64?PT9iYXNlNjQ/bGl0ZXJhbD89?=');
  expect(encodeHeader('=?base64?=')).toBe('=?base64?PT9iYXNlNjQ/PQ==?=');
});

test.for<[string, string]>([
  ['us-west1', 'us-west1'],
  ['us west 1', 'us west 1'],
  ['Hello, 世界', '=?base64?SGVsbG8sIOS4lueVjA==?='],
  [' padded ', '=?base64?IHBhZGRlZCA=?='],
  ['line1\nline2', '=?base64?bGluZTEKbGluZTI=?='],
  ['', '=?base64??='],
])('%j travels as %s', ([text, header]) => {
  expect(encodeHeader(text)).toBe(header);
  expect(decodeHeader(header)).toBe(text);
});

test.for<[string, string]>([
  ['bad padding', '=?base64?SGVsbG8?='],
  ['characters that are not base64', '=?base64?SGVs!!!bG8=?='],
  ['the alphabet of URLs', '=?base64?Pz8_?='],
  ['bits that are left over', '=?base64?SGVsbG9=?='],
  ['what is not UTF-8', '=?base64?/w==?='],
  ['a character that no header has', 'R\u00e9gion'],
  ['a control character', 'a\u0001b'],
])('a header with %s is malformed', ([, header]) => {
  expect(decodeHeader(header)).toBeUndefined();
});

test.for(['SGVsbG8=', '=?base64?SGVsbG8=', 'SGVsbG8=?=', '=?BASE64?SGVsbG8=?=', '=?base64?=', 'a\tb', ''])(
  '%j has no complete wrapper and stands for itself',
  (header) => {
    expect(decodeHeader(header)).toBe(header);
  },
);
