import { describe, expect, test } from 'vitest';
import { readProxies } from './proxy.ts';

const BOTH = { HTTP_PROXY: 'http://p.example:3128', HTTPS_PROXY: 'http://s.example:3129' };
const via = (env: Record<string, string>, target: string) => readProxies(env)(new URL(target))?.host;

test('without variables there is no proxy', () => {
  expect(via({}, 'https://a.example')).toBeUndefined();
  expect(via({ HTTP_PROXY: ' ', NO_PROXY: 'x' }, 'http://a.example')).toBeUndefined();
});

test('each scheme has its own, and the names in lower case win', () => {
  expect(via(BOTH, 'http://a.example')).toBe('p.example:3128');
  expect(via(BOTH, 'https://a.example')).toBe('s.example:3129');
  expect(via({ HTTP_PROXY: BOTH.HTTP_PROXY }, 'https://a.example')).toBeUndefined();
  expect(via({ ...BOTH, http_proxy: 'http://small.example:1' }, 'http://a.example')).toBe('small.example:1');
  expect(via({ https_proxy: 'bare.example:8080' }, 'https://a.example')).toBe('bare.example:8080');
});

test.for([
  'http://localhost:1',
  'http://a.localhost',
  'http://127.0.0.1',
  'https://127.9.9.9',
  'http://[::1]:3',
  'http://localhost.',
])('this machine is never asked through a proxy: %s', (target) => {
  expect(via(BOTH, target)).toBeUndefined();
});

describe.for([
  ['*', 'https://any.example', true],
  ['a.example', 'https://a.example', true],
  ['A.Example', 'https://a.example', true],
  ['a.example', 'https://sub.a.example', true],
  ['.a.example', 'https://sub.a.example', true],
  ['*.a.example', 'https://sub.a.example', true],
  ['a.example', 'https://nota.example', false],
  ['a.example:444', 'https://a.example', false],
  ['a.example:443', 'https://a.example', true],
  ['a.example:444', 'https://a.example:444', true],
  ['x, a.example', 'https://a.example', true],
  ['x a.example', 'https://a.example', true],
  ['10.0.0.0/8', 'https://10.1.2.3', true],
  ['10.0.0.0/8', 'https://11.1.2.3', false],
  ['10.1.2.3', 'https://10.1.2.3', true],
  ['2.3', 'https://10.1.2.3', false],
  ['fd00::/8', 'https://[fd12::1]', true],
  ['fd12::1', 'https://[fd12::1]', true],
  ['[fd12::1]:443', 'https://[fd12::1]', true],
  ['a.example', 'https://a.example.', true],
] as const)('NO_PROXY=%s', ([exceptions, target, isDirect]) => {
  test(`${isDirect ? 'holds' : 'does not hold'} for ${target}`, () => {
    expect(via({ ...BOTH, NO_PROXY: exceptions }, target) === undefined).toBe(isDirect);
  });
});

test.for(['socks5://u:hunter2@p.example', 'http://u:hunter2@', 'ftp://hunter2'])(
  'what is no HTTP proxy is refused without repeating it: %s',
  (text) => {
    expect(() => readProxies({ HTTPS_PROXY: text })).toThrow(/^HTTPS_PROXY must be an address/);
    expect(() => readProxies({ HTTPS_PROXY: text })).not.toThrow(/hunter2/);
  },
);
