import { randomBytes } from 'node:crypto';
import { assert, property, string } from 'fast-check';
import { expect, test } from 'vitest';
import { createEncryption, deriveKey, KEY_BYTES } from './encryption.ts';

const encryption = createEncryption(randomBytes(KEY_BYTES));
const PLACE = 'mcp_clients:headers.Authorization:c1';

test('every text comes back as it was', () => {
  assert(
    property(string({ unit: 'grapheme' }), (text) => {
      expect(encryption.decrypt(encryption.encrypt(text, PLACE), PLACE)).toBe(text);
    }),
  );
});

test('the same text never looks the same twice, and never shows', () => {
  const [first, second] = [encryption.encrypt('canary', PLACE), encryption.encrypt('canary', PLACE)];
  expect(first).not.toBe(second);
  expect(first).toMatch(/^v1:[A-Za-z0-9+/]+=*$/);
  expect(Buffer.from(first.slice(3), 'base64').includes('canary')).toBe(false);
});

test('another key, another place and every changed byte are refused', () => {
  const sealed = encryption.encrypt('canary', PLACE);
  const message = `The stored value ${PLACE} cannot be decrypted`;
  expect(() => createEncryption(randomBytes(KEY_BYTES)).decrypt(sealed, PLACE)).toThrow(message);
  expect(() => encryption.decrypt(sealed, 'mcp_clients:headers.Authorization:c2')).toThrow('cannot be decrypted');

  const bytes = Buffer.from(sealed.slice(3), 'base64');
  for (const index of bytes.keys()) {
    const altered = Buffer.from(bytes);
    altered[index] = (altered[index] ?? 0) ^ 1;
    expect(() => encryption.decrypt(`v1:${altered.toString('base64')}`, PLACE)).toThrow(message);
  }
});

test.each(['', 'canary', 'v1:', 'v1:AAAA', 'v2:AAAA'])('"%s" is refused', (text) => {
  expect(() => encryption.decrypt(text, PLACE)).toThrow('cannot be decrypted');
});

test('a passphrase gives the same key with the same salt only', async () => {
  const [a, b] = [Buffer.alloc(16, 1), Buffer.alloc(16, 2)];
  const [first, again, other] = await Promise.all([deriveKey('pass', a), deriveKey('pass', a), deriveKey('pass', b)]);
  expect(first).toHaveLength(KEY_BYTES);
  expect(again.equals(first)).toBe(true);
  expect(other.equals(first)).toBe(false);
});
