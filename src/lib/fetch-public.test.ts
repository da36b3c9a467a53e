import { expect, test } from 'vitest';
import { fetchPublic, isPublicAddress } from './fetch-public.ts';

test.each([
  '127.0.0.1',
  '10.1.2.3',
  '169.254.169.254',
  '100.64.0.1',
  '172.31.0.1',
  '192.168.1.1',
  '0.0.0.0',
  '224.0.0.1',
  '255.255.255.255',
  '::',
  '::1',
  '::ffff:127.0.0.1',
  '::ffff:8.8.8.8',
  '64:ff9b::a00:1',
  '2002:7f00:1::',
  '2001::1',
  'fe80::1',
  'fc00::1',
  'ff02::1',
  'nonsense',
])('%s is not public', (address) => {
  expect(isPublicAddress(address)).toBe(false);
});

test.each(['8.8.8.8', '1.1.1.1', '172.32.0.1', '2606:4700::1111'])('%s is public', (address) => {
  expect(isPublicAddress(address)).toBe(true);
});

test.each(['http://example.com/', 'https://127.0.0.1/', 'https://[::1]/', 'https://2130706433/', 'https://localhost/'])(
  '%s is not fetched',
  async (url) => {
    const reason: unknown = await fetchPublic(url).catch((error: unknown) => error);
    const texts = [reason, (reason as { cause?: unknown }).cause].map(String);
    expect(texts.join()).toMatch(/is not https|not an address of the open internet/);
  },
);
