import fc from 'fast-check';
import { expect, test } from 'vitest';
import { parseChallenge } from './challenge.ts';

test.each([
  [
    'Bearer resource_metadata="https://x.example/.well-known/y", scope="a b"',
    { resource_metadata: 'https://x.example/.well-known/y', scope: 'a b' },
  ],
  ['bearer realm=mcp,error=invalid_token', { realm: 'mcp', error: 'invalid_token' }],
  ['Basic realm="a, Bearer scope=\\"x\\"", Bearer scope="y"', { scope: 'y' }],
  ['Basic dGVzdA==, Bearer scope="y"', { scope: 'y' }],
  ['Negotiate, Bearer', {}],
  ['Bearer', {}],
  ['DPoP algs="ES256", scope="z"', { algs: 'ES256', scope: 'z' }],
  ['Bearer scope="a\\"b"', { scope: 'a"b' }],
  ['Bearer scope="first", scope="second"', { scope: 'first' }],
  ['Bearer resource_metadata=https://x.example/y', { resource_metadata: 'https://x.example/y' }],
  ['Bearer error_scope="no", scope = "yes"', { error_scope: 'no', scope: 'yes' }],
])('%s', (header, parameters) => {
  expect({ ...parseChallenge(header) }).toEqual(parameters);
});

test('where nobody asks for a Bearer token there is no challenge', () => {
  for (const header of [undefined, null, '', 'Basic realm="Bearer"', '="', ',,,', '"Bearer"']) {
    expect(parseChallenge(header), String(header)).toBeUndefined();
  }
});

test('every scope text comes back as it was written, whatever stands around it', () => {
  const word = fc.stringMatching(/^[\x20-\x7e]{0,30}$/);
  fc.assert(
    fc.property(word, word, (scope, realm) => {
      const quote = (text: string): string => `"${text.replaceAll(/["\\]/g, '\\$&')}"`;
      const header = `Basic realm=${quote(realm)}, Bearer realm=${quote(realm)}, scope=${quote(scope)}`;
      expect(parseChallenge(header)).toMatchObject({ scope, realm });
    }),
  );
});

test('no header makes it fail or take long', () => {
  fc.assert(
    fc.property(fc.string({ maxLength: 2000 }), (header) => {
      parseChallenge(header);
    }),
  );
  parseChallenge(`Bearer a="${'\\'.repeat(50_000)}`);
});
