import { expect, test } from 'vitest';
import { actorOf, CONFIG_FILE, describeChange } from './audit.ts';
import { ANONYMOUS } from './caller.ts';

const value = 'sk-bf-01234567-89ab-4cde-8f01-23456789abcd';

test('a virtual key is masked in its own view and wherever else it turns up, its prefix is not', () => {
  const before = { id: 'k1', value: 'a value of its own', mcp_configs: [{ note: `Bearer ${value}` }] };
  const after = { id: 'k1', value, key_prefix: 'bfst-01234567...' };
  const entry = describeChange(CONFIG_FILE, {
    action: 'rotate',
    entity: 'virtual_key',
    id: 'k1',
    name: 'k',
    before,
    after,
  });
  expect(JSON.parse(entry.before ?? '')).toEqual({
    id: 'k1',
    value: `a va${'*'.repeat(24)} own`,
    mcp_configs: [{ note: `Bearer sk-b${'*'.repeat(24)}abcd` }],
  });
  expect(JSON.parse(entry.after ?? '')).toEqual({ ...after, value: `sk-b${'*'.repeat(24)}abcd` });
  expect(entry).toMatchObject({ actor: 'config.json', entity_id: 'k1', entity_name: 'k', request: undefined });
});

test('the tools of a server are left out, long lists of settings are not cut', () => {
  const vk_configs = Array.from({ length: 1000 }, (_, index) => ({ virtual_key_id: `k${index}` }));
  const view = { tools: [{ name: 'echo' }], vk_configs };
  const change = { action: 'update', entity: 'mcp_client', id: 'c', name: 'c', after: view } as const;
  const entry = describeChange(CONFIG_FILE, change);
  expect(entry.before).toBeNull();
  expect(JSON.parse(entry.after ?? '')).toEqual({ vk_configs });
});

test('an actor has its request, without the query and with a request id of a sane length', () => {
  const headers = { 'x-request-id': 'x'.repeat(1000) };
  const request = new Request('http://localhost/api/config?token=secret', { method: 'PUT', headers });
  expect(actorOf(ANONYMOUS, request, '10.0.0.1')).toEqual({
    principal: 'anonymous',
    name: 'anonymous',
    request: { method: 'PUT', path: '/api/config', request_id: 'x'.repeat(128), ip: '10.0.0.1' },
  });
  expect(actorOf(undefined, new Request('http://localhost/x')).request).toEqual({ method: 'GET', path: '/x' });
});
