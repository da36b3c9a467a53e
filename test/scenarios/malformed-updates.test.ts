import { expect, test } from 'vitest';
import { expectRefused, startScene } from '../kit/scene.ts';

const malformed = [
  '[]',
  '"x"',
  '1',
  'true',
  '{',
  '',
  '{"name":"y"',
  '{"name":"y"}}',
  'name=y',
  '{"name":1}',
  '{"name":{}}',
];

test.for(malformed)('the body %s is refused', async (body) => {
  await using scene = await startScene();
  await expectRefused(scene.gateway, 400, () => scene.update(body));
});

const invalid: readonly (readonly [string, Record<string, unknown>])[] = [
  ['tools_to_execute of a wrong type', { tools_to_execute: 'echo' }],
  ['tools_to_execute with numbers', { tools_to_execute: [1] }],
  ['tools_to_execute with a blank name', { tools_to_execute: [''] }],
  ['tools_to_auto_execute of a wrong type', { tools_to_auto_execute: {} }],
  ['headers of a wrong type', { headers: ['a'] }],
  ['a header value of a wrong type', { headers: { 'X-A': 1 } }],
  ['a header name that is none', { headers: { 'X A': 'a' } }],
  ['a header value with a line break', { headers: { 'X-A': 'a\r\nX-B: b' } }],
  ['disabled of a wrong type', { disabled: 'yes' }],
  ['a negative time-out', { tool_execution_timeout: -1 }],
  ['a time-out that is no integer', { tool_execution_timeout: 1.5 }],
  ['a sync interval beyond 64-bit nanoseconds', { tool_sync_interval: 153_722_868 }],
  ['a sync interval of a wrong type', { tool_sync_interval: '10m' }],
  ['a negative price', { tool_pricing: { echo: -0.01 } }],
  ['a price of a wrong type', { tool_pricing: { echo: '1' } }],
  ['a price that would count as nothing', { tool_pricing: { echo: 1e-10 } }],
  ['a price with an unknown part', { tool_pricing: { echo: { base: 1, per_call: 1 } } }],
  ['a price with a part of a wrong type', { tool_pricing: { echo: { per_argument: { text: '1' } } } }],
  ['allowed_extra_headers with * and a name', { allowed_extra_headers: ['*', 'x-a'] }],
  ['allowed_extra_headers twice the same', { allowed_extra_headers: ['x-a', 'x-a'] }],
  ['tls_config of a wrong type', { tls_config: 'none' }],
  ['a CA that is no PEM', { tls_config: { ca_cert_pem: 'garbage' } }],
  ['an unknown connection type', { connection_type: 'websocket' }],
  ['an unknown auth type', { auth_type: 'magic' }],
  ['per_user_header_keys with a blank entry', { per_user_header_keys: [' '] }],
  ['per_user_header_keys twice the same', { per_user_header_keys: ['X-A', 'x-a'] }],
  ['vk_configs of a wrong type', { vk_configs: {} }],
  ['a virtual key that does not exist', { vk_configs: [{ virtual_key_id: 'k1', tools_to_execute: ['*'] }] }],
  ['a virtual key without an id', { vk_configs: [{ virtual_key_id: '' }] }],
  ['a virtual key twice', { vk_configs: [{ virtual_key_id: 'k1' }, { virtual_key_id: 'k1' }] }],
  ['* among the tools of a virtual key', { vk_configs: [{ virtual_key_id: 'k1', tools_to_execute: ['*', 'x'] }] }],
  ['a header twice in different case', { headers: { 'X-A': '1', 'x-a': '2' } }],
  ['oauth_config of a wrong type', { oauth_config: { client_id: 1 } }],
  ['oauth_config without auth_type "oauth"', { oauth_config: { client_id: 'a' } }],
  ['oauth_config with another oauth_config_id', { oauth_config: { client_id: 'a' }, oauth_config_id: 'x' }],
  ['an oauth_config_id that does not exist', { oauth_config_id: 'x' }],
  ['a masked header that stands for nothing', { headers: { 'X-New': 'abcd************************wxyz' } }],
];

test.for(invalid)('%s is refused, and the good half of the same request is not applied', async ([, part]) => {
  await using scene = await startScene();
  await expectRefused(scene.gateway, 400, () => scene.update({ name: 'y', is_ping_available: false, ...part }));
});

test('the refusal names the field', async () => {
  await using scene = await startScene();
  const { gateway } = scene;
  expect(await expectRefused(gateway, 400, () => scene.update({ tool_execution_timeout: -1 }))).toMatch(
    /tool_execution_timeout.*must be >= 0/,
  );
  expect(await expectRefused(gateway, 400, () => scene.update({ name: 'a-b' }))).toMatch(/name/);
  expect(await expectRefused(gateway, 400, () => scene.update({ tools_to_execute: ['*', 'a'] }))).toMatch(
    /tools_to_execute/,
  );
});

test('a body that is far too large is refused', async () => {
  await using scene = await startScene();
  const before = await scene.gateway.getClient(scene.id);
  const { status } = await scene.update({ name: 'y', junk: 'x'.repeat(12 * 1024 * 1024) });
  expect(status).toBe(413);
  expect(await scene.gateway.getClient(scene.id)).toEqual(before);
});
