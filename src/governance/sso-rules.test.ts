import { expect, test } from 'vitest';
import { checkDomain, nameOf, roleOf, subjectKey } from './sso-rules.ts';

const options = { issuer: 'https://idp.example', client_id: 'asbru' };
const who = { iss: 'https://idp.example', sub: '7' };

test('the highest role that a claim maps to counts, then the default, then none', () => {
  const role_mapping = { ops: 'admin', dev: 'editor', __proto__: 'admin' } as const;
  const rules = { ...options, role_claim: 'groups', role_mapping };
  expect(roleOf({ ...who, groups: ['dev', 'ops', 'x'] }, rules)).toBe('admin');
  expect(roleOf({ ...who, groups: 'dev' }, rules)).toBe('editor');
  expect(roleOf({ ...who, groups: ['x'] }, { ...rules, default_role: 'viewer' })).toBe('viewer');
  for (const groups of [undefined, [], ['x'], ['toString'], ['constructor'], { ops: true }, [['ops']], 7])
    expect(() => roleOf({ ...who, groups }, rules), JSON.stringify(groups)).toThrow('no role');
  expect(() => roleOf(who, options)).toThrow('no role');
});

test('a claim may lie inside others, or have dots in its name', () => {
  const rules = { ...options, role_mapping: { ops: 'admin' as const } };
  const nested = { ...rules, role_claim: 'realm_access.roles' };
  expect(roleOf({ ...who, realm_access: { roles: ['ops'] } }, nested)).toBe('admin');
  expect(roleOf({ ...who, 'https://x.y/roles': ['ops'] }, { ...rules, role_claim: 'https://x.y/roles' })).toBe('admin');
  expect(() => roleOf({ ...who, realm_access: 'ops' }, nested)).toThrow('no role');
});

test('only verified addresses of the named domains pass', () => {
  const rules = { ...options, allowed_domains: ['Example.com'] };
  checkDomain({ ...who, email: 'ann@EXAMPLE.com', email_verified: true }, rules);
  checkDomain(who, options);
  const wrong = [
    'ann@example.com.evil.example',
    'ann@evilexample.com',
    'ann@sub.example.com',
    'example.com@evil.example',
    '',
    7,
  ];
  for (const email of wrong)
    expect(() => checkDomain({ ...who, email, email_verified: true }, rules), String(email)).toThrow('verified');
  for (const email_verified of [undefined, false, 'true'])
    expect(() => checkDomain({ ...who, email: 'ann@example.com', email_verified }, rules)).toThrow('verified');
  expect(() => checkDomain(who, { ...options, allowed_domains: [] })).toThrow('verified');
});

test('names are for people, and people of two issuers are two', () => {
  expect(nameOf({ ...who, preferred_username: ' ', email: 'ann@example.com', name: 'Ann' })).toBe('ann@example.com');
  expect(nameOf({ ...who, name: 'a:b\u200bc' })).toBe('a b c');
  expect(nameOf({ ...who, sub: ':' })).toBe('unnamed');
  expect(subjectKey(who)).not.toBe(subjectKey({ ...who, iss: 'https://other.example' }));
});
