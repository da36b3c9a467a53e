import { expect, test } from 'vitest';
import { scrub } from './scrub.ts';

const url = new URL('https://user:pass%20canary@a.example/mcp?key=canary-in-url&v=1');
const basic = Buffer.from('me:canary-password').toString('base64');

test.for([
  ['the header', ['Authorization', 'Bearer canary-token'], 'bad token "canary-token"'],
  ['all of the header', ['Authorization', 'Bearer canary-token'], '{"authorization":"Bearer canary-token"}'],
  ['a header of any name', ['X-Own', 'canary-own'], 'x-own: canary-own'],
  ['the parts of Basic', ['authorization', `Basic ${basic}`], `${basic} canary-password`],
  ['the address', [], 'GET /mcp?key=canary-in-url pass canary pass%20canary'],
] as const)('%s is masked', ([, headers, text]) => {
  expect(scrub(text, { url, headers })).not.toMatch(/canary|bWU6Y2/);
});

test('the rest of the sentence stays', () => {
  const headers = ['authorization', 'Bearer canary-token', 'content-type', 'application/json', 'x-short', 'a'];
  expect(scrub('application/json: a bad thing of canary-token', { url, headers })).toMatch(
    /^application\/json: a bad thing of cana\*{24}oken$/,
  );
});
