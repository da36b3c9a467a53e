import { expect, test } from 'vitest';
import { createEncryption } from '../lib/encryption.ts';
import { Secret } from '../lib/secret.ts';
import { secretColumns } from './secret-columns.ts';

const columns = secretColumns(createEncryption(Buffer.alloc(32, 1)), 'things', 'a');

test.for(['env.NAME', 'file./run/secrets/a'])('the reference %s is kept as it is', (text) => {
  expect(columns.seal(Secret.parse(text), 'value')).toBe(text);
  expect(columns.open(text, 'value').reference).toBe(text);
});

test.for(['plain', 'env.NAME', 'file./etc/passwd', 'v1:AAAA'])(
  'the literal %s is encrypted, and is a literal again when it is read',
  (text) => {
    const stored = columns.seal(Secret.literal(text), 'value');
    expect(stored).toMatch(/^v1:/);
    expect(stored).not.toBe(text);
    const opened = columns.open(stored, 'value');
    expect([opened.resolve(), opened.reference]).toEqual([text, '']);
  },
);

test('nothing is kept as nothing', () => {
  expect(columns.seal(Secret.empty, 'value')).toBe('');
  expect(columns.open('', 'value').isSet).toBe(false);
});
