import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NO_SIDE } from '../client-side.ts';
import { checkMirrored, mirrorParams } from './mirror-params.ts';
import { toRelayParams } from './relay-params.ts';

const value = [{ name: 'mcp-param-v', path: ['v'] }];
const nested = [{ name: 'mcp-param-v', path: ['outer', 'v'] }];

function call(input: unknown, headers: Record<string, string> = {}, era: 'modern' | 'legacy' = 'modern') {
  const text = typeof input === 'string' ? input : JSON.stringify(input);
  return { params: toRelayParams(text), headers, side: { ...NO_SIDE, era } };
}

describe('the headers of a call', () => {
  test.for([
    ['"us-west1"', 'us-west1'],
    ['"Hello, 世界"', '=?base64?SGVsbG8sIOS4lueVjA==?='],
    ['""', '=?base64??='],
    ['42', '42'],
    ['-7', '-7'],
    ['1e3', '1000'],
    ['4.20', '4.2'],
    ['true', 'true'],
    ['false', 'false'],
  ])('say %s as %s', ([json, header]) => {
    expect(mirrorParams(value, call(`{"v":${json}}`))).toEqual({ 'mcp-param-v': header });
    expect(mirrorParams(nested, call(`{"outer":{"v":${json}},"v":"other"}`))).toEqual({ 'mcp-param-v': header });
  });

  test.for(['{}', '{"v":null}', '{"v":{}}', '{"v":["a"]}', '{"v":9007199254740992}', '[]', 'null', '"v"'])(
    'say nothing of %s',
    (input) => {
      expect(mirrorParams(value, call(input, { 'mcp-param-v': 'stale' }))).toEqual({});
    },
  );

  test('read own members alone', () => {
    expect(mirrorParams([{ name: 'mcp-param-v', path: ['constructor', 'name'] }], call({}))).toEqual({});
    expect(mirrorParams(nested, call({ outer: 'text' }))).toEqual({});
  });

  test('replace what the caller sent, and hand on what the tool does not know', () => {
    const headers = { 'mcp-param-v': 'theirs', 'mcp-param-x': 'unknown', 'mcp-name': 'any', 'x-other': '1' };
    expect(mirrorParams(value, call({ v: 'ours' }, headers))).toEqual({
      'mcp-param-v': 'ours',
      'mcp-param-x': 'unknown',
    });
    expect(mirrorParams([], call({}, headers))).toEqual({ 'mcp-param-v': 'theirs', 'mcp-param-x': 'unknown' });
  });

  test('take nothing from a caller of an older revision', () => {
    const headers = { 'mcp-param-v': 'theirs', 'mcp-param-x': 'unknown' };
    expect(mirrorParams(value, call({ v: 'ours' }, headers, 'legacy'))).toEqual({ 'mcp-param-v': 'ours' });
    expect(mirrorParams([], call({}, headers, 'legacy'))).toEqual({});
  });
});

describe('a modern caller', () => {
  const check = (input: unknown, header?: string) => (): void =>
    checkMirrored(value, call(input, header === undefined ? {} : { 'mcp-param-v': header }));

  test('agrees with itself when it mirrors as we do', () => {
    const scalar = fc.oneof(fc.string({ unit: 'binary' }), fc.maxSafeInteger(), fc.boolean(), fc.constant(null));
    fc.assert(
      fc.property(fc.record({ v: scalar }, { requiredKeys: [] }), (input) => {
        const headers = mirrorParams(value, call(input));
        expect(() => checkMirrored(value, call(input, headers))).not.toThrow();
      }),
    );
  });

  test.for<[unknown, string | undefined]>([
    [{ v: 'Hello' }, '=?base64?SGVsbG8=?='],
    [{ v: 'SGVsbG8=' }, 'SGVsbG8='],
    [{ v: '=?base64?SGVsbG8=' }, '=?base64?SGVsbG8='],
    [{ v: '' }, ''],
    [{ v: 42 }, '42.0'],
    [{ v: 42 }, '=?base64?NDI=?='],
    [{ v: 1000 }, '1e3'],
    [{ v: {} }, undefined],
    [{ v: 2 ** 60 }, undefined],
    [{}, undefined],
    [{ v: null }, undefined],
  ])('may send %j with the header %j', ([input, header]) => {
    expect(check(input, header)).not.toThrow();
  });

  test.for<[unknown, string | undefined]>([
    [{ v: 'a' }, undefined],
    [{ v: '' }, undefined],
    [{ v: false }, undefined],
    [{ v: 0 }, undefined],
    [{ v: 'a' }, 'b'],
    [{ v: 'a' }, 'A'],
    [{ v: 'Hello' }, '=?base64?SGVsbG8?='],
    [{ v: 'Hello' }, '=?base64?SGVs!!!bG8=?='],
    [{ v: 'é' }, 'é'],
    [{ v: '42' }, '42.0'],
    [{ v: 42 }, '43'],
    [{ v: 42 }, '0x2a'],
    [{ v: 0 }, ''],
    [{ v: true }, 'True'],
    [{}, 'a'],
    [{ v: null }, 'null'],
  ])('must not send %j with the header %j', ([input, header]) => {
    expect(check(input, header)).toThrow(expect.objectContaining({ code: 'header_mismatch' }));
  });
});
