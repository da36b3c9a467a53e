import { expect, test } from 'vitest';
import type { Reply } from '../lib/json-rpc.ts';
import { rewriteReply } from './rewrite.ts';

const renames = new Map([['file:///a', 'asbru://c1/file:///a']]);
const result = (text: string): Reply => ({
  kind: 'result',
  isError: false,
  hasResultType: false,
  bytes: Buffer.from(text),
});
const rewritten = (text: string) => JSON.parse(rewriteReply(result(text), renames).bytes.toString());

test('gives addresses their public names, however the member is spelled', () => {
  expect(rewritten('{"contents":[{"uri":"file:///a"}]}')).toEqual({ contents: [{ uri: 'asbru://c1/file:///a' }] });
  expect(rewritten('{"contents":[{"\\u0075ri":"file:///a"}]}')).toEqual({
    contents: [{ uri: 'asbru://c1/file:///a' }],
  });
  expect(rewritten('{"_meta":{"ui":{"resourceUri":"file:///a"}}}')).toEqual({
    _meta: { ui: { resourceUri: 'asbru://c1/file:///a' } },
  });
});

test('leaves all else of a reply with addresses as it is, byte for byte', () => {
  const text =
    '{"content":[],"structuredContent":{"2":1.0, "1":12345678901234567890,"uri":"file:///b"},"uri":"file:///a" }';
  const { bytes } = rewriteReply(result(text), renames);
  expect(bytes.toString()).toBe(text.replace('file:///a', 'asbru://c1/file:///a'));
});

test('leaves a reply without addresses as it is, byte for byte', () => {
  const reply = result('{ "content": [{"type":"text","text":"1.0"}], "n": 1.0 }');
  expect(rewriteReply(reply, renames)).toBe(reply);
});
