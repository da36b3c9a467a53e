import { describe, expect, test } from 'vitest';
import { createBrowser } from './browser.ts';
import { readCookie, writeCookie } from './cookies.ts';
import type { RequestHeaders } from './identify.ts';

function start(trustedProxies: string[] = [], mcp_external_client_url = '') {
  const settings = () => ({ mcp_external_client_url });
  return createBrowser({ trustedProxies, settings, csrfKey: Buffer.alloc(32, 1) });
}

describe('the address that attempts are counted for', () => {
  const address = (ip: string | undefined, forwarded?: string, proxies: string[] = []) =>
    start(proxies).addressOf({ ip, headers: forwarded === undefined ? {} : { 'x-forwarded-for': forwarded } });

  test('is that of the connection, whatever it says, unless it is a proxy of ours', () => {
    expect(address('192.0.2.1', '198.51.100.7')).toBe('192.0.2.1');
    expect(address('127.0.0.1', '198.51.100.7')).toBe('127.0.0.1');
    expect(address('192.0.2.1', '198.51.100.7', ['192.0.2.0/24'])).toBe('198.51.100.7');
    expect(address(undefined)).toBe('unknown');
  });

  test('is the last one that no proxy of ours has written', () => {
    const proxies = ['192.0.2.1', '10.0.0.0/8', 'fd00::/8'];
    expect(address('192.0.2.1', '1.1.1.1, 198.51.100.7, 10.0.0.5', proxies)).toBe('198.51.100.7');
    expect(address('fd00::1', '198.51.100.7', proxies)).toBe('198.51.100.7');
    expect(address('192.0.2.1', '198.51.100.7, nonsense', proxies)).toBe('192.0.2.1');
    expect(address('192.0.2.1', '', proxies)).toBe('192.0.2.1');
    expect(address('192.0.2.1', '10.0.0.5', proxies)).toBe('10.0.0.5');
  });

  test('is a network for IPv6, of which everybody has one', () => {
    expect(address('2001:db8:1:2:3:4:5:6')).toBe('2001:db8:1:2::/64');
    expect(address('2001:DB8:1:2::9')).toBe('2001:db8:1:2::/64');
    expect(address('2001:0db8::1')).toBe('2001:db8:0:0::/64');
    expect(address('::1')).toBe('0:0:0:0::/64');
    expect(address('fe80::1%eth0')).toBe('fe80:0:0:0::/64');
    expect(address('::ffff:192.0.2.1')).toBe('192.0.2.1');
  });
});

describe('a page of the gateway', () => {
  const isOwn = (headers: RequestHeaders, url = '', isStrict = true) => {
    const all = { host: 'gw.example.com', ...headers };
    try {
      start([], url).demandOwnPage({ headers: all, ip: '127.0.0.1' }, { isStrict });
      return true;
    } catch {
      return false;
    }
  };

  test('is known by its origin, or by what the browser says of it', () => {
    expect(isOwn({ origin: 'http://gw.example.com' })).toBe(true);
    expect(isOwn({ origin: 'http://gw.example.com:80' })).toBe(true);
    expect(isOwn({ 'sec-fetch-site': 'same-origin' })).toBe(true);
    expect(isOwn({})).toBe(false);
    expect(isOwn({}, '', false)).toBe(true);
    const foreign = [
      'http://gw.example.com:81',
      'http://gw.example.com.evil.example',
      'http://evil.example',
      'null',
      '',
    ];
    for (const origin of foreign) {
      expect(isOwn({ origin }), origin).toBe(false);
      expect(isOwn({ origin }, '', false), origin).toBe(false);
      expect(isOwn({ origin, 'sec-fetch-site': 'same-origin' }), origin).toBe(false);
    }
    for (const site of ['same-site', 'cross-site', 'none', ''])
      expect(isOwn({ origin: 'http://gw.example.com', 'sec-fetch-site': site }), site).toBe(false);
  });

  test('came over TLS where the gateway is reached over TLS', () => {
    const tls = { 'x-forwarded-proto': 'https' };
    expect(isOwn({ ...tls, origin: 'https://gw.example.com' })).toBe(true);
    expect(isOwn({ ...tls, origin: 'http://gw.example.com' })).toBe(false);
    expect(isOwn({ host: 'inside', origin: 'https://gw.example.com' }, 'https://gw.example.com/')).toBe(true);
    expect(isOwn({ host: 'inside', origin: 'http://gw.example.com' }, 'https://gw.example.com/')).toBe(false);
  });
});

test('the token against forgery belongs to one session', () => {
  const browser = start();
  const demand = (token: string, session: string) =>
    browser.demandCsrfToken({ headers: { 'x-csrf-token': token }, ip: undefined }, session);
  demand(browser.csrfToken('a'), 'a');
  for (const wrong of [browser.csrfToken('b'), '', 'a', `${browser.csrfToken('a')}=`])
    expect(() => demand(wrong, 'a')).toThrow('X-CSRF-Token');
});

test('a cookie is read by its whole name, the first of several', () => {
  expect(readCookie('a=1; token=x=y ; token=z', 'token')).toBe('x=y');
  for (const header of ['xtoken=1', 'token', undefined, '', 'tokens=1; to ken=2'])
    expect(readCookie(header, 'token')).toBe(header === 'token' ? '' : undefined);
  const options = { path: '/', maxAgeMs: 5_000, isSecure: true };
  expect(writeCookie('t', { ...options, value: 'v' })).toBe('t=v; Path=/; Max-Age=5; HttpOnly; SameSite=Lax; Secure');
  expect(writeCookie('t', { ...options, value: undefined })).toContain('t=; Path=/; Max-Age=0;');
});
