import { expect, test } from 'vitest';
import { resolveTarget } from './stdio-target.ts';

test('the gateway on this machine is the default, and no key is sent', () => {
  expect(resolveTarget({}, {})).toEqual({ url: new URL('http://localhost:8080/mcp'), headers: [] });
  expect(resolveTarget({}, { ASBRU_URL: '', ASBRU_KEY: ' ' }).headers).toEqual([]);
});

test('a flag beats the environment, and ASBRU_KEY beats ASBRU_API_KEY', () => {
  const env = { ASBRU_URL: 'https://a.example/mcp', ASBRU_KEY: 'k1', ASBRU_API_KEY: 'k2' };
  expect(resolveTarget({}, env)).toEqual({ url: new URL(env.ASBRU_URL), headers: ['authorization', 'Bearer k1'] });
  expect(resolveTarget({}, { ASBRU_API_KEY: 'k2' }).headers).toEqual(['authorization', 'Bearer k2']);
  expect(resolveTarget({ url: 'http://b/mcp', key: 'k3\n' }, env)).toEqual({
    url: new URL('http://b/mcp'),
    headers: ['authorization', 'Bearer k3'],
  });
});

test('headers are taken as they are, and one for authorization stands for the key', () => {
  const header = ['X-Team: a: b', 'x-empty:'];
  expect(resolveTarget({ header, key: 'k' }, {}).headers).toEqual([
    ...['X-Team', 'a: b', 'x-empty', ''],
    ...['authorization', 'Bearer k'],
  ]);
  expect(resolveTarget({ header: ['AUTHORIZATION: Basic x'], key: 'k' }, {}).headers).toEqual([
    'AUTHORIZATION',
    'Basic x',
  ]);
});

test.for([
  [{ url: 'localhost:8080' }, /is not an address/],
  [{ url: 'ftp://a/mcp' }, /is not an address/],
  [{ url: 'http://me:secret@a/mcp' }, /^(?!.*secret).*must not hold/],
  [{ key: 'a\nb' }, /the key has a character/],
  [{ header: ['nothing'] }, /a header must look like/],
  [{ header: ['a b: c'] }, /a header must look like/],
  [{ header: ['a(: c'] }, /is not the name of an HTTP header/],
  [{ header: ['a: b\nc'] }, /has a character in it/],
  [{ header: ['Host: b'] }, /belongs to the connection/],
  [{ header: ['Mcp-Session-Id: b'] }, /belongs to the connection/],
  [{ header: ['Content-Length: 1'] }, /belongs to the connection/],
] as const)('%j is refused', ([flags, words]) => {
  expect(() => resolveTarget(flags, {})).toThrow(words);
});
