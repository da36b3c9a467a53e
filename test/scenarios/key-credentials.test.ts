import { describe, expect, test } from 'vitest';
import { DATABASES } from '../kit/databases.ts';
import { createKey, freshDatabase, getKey, updateKey, type TestKey } from '../kit/keys.ts';
import { startScene, type Scene } from '../kit/scene.ts';
import { postModern, type HeaderChanges } from '../kit/wire.ts';

const grants = { mcp_configs: [{ mcp_client_name: 'c1', tools_to_execute: ['*'] }] };
const PLACES = ['x-bf-vk', 'authorization', 'x-api-key', 'x-goog-api-key', 'api-key'] as const;

/** How a call ends on both doors: `ok`, or status and code of the refusal. */
async function outcome({ gateway }: Scene, headers: HeaderChanges): Promise<string> {
  const rest = await gateway.execute('c1-echo', { text: 'hi' }, { authorization: '', ...headers });
  const endpoint = { address: gateway.address, apiKey: '' };
  const mcp = await postModern(endpoint, 'tools/call', { name: 'c1-echo', arguments: { text: 'hi' } }, { headers });
  const viaRest = rest.status === 200 ? 'ok' : `${rest.status} ${String(rest.body['type'])}`;
  const { code } = (mcp.reply.error?.data ?? {}) as { code?: string };
  const viaMcp = mcp.reply.error === undefined ? 'ok' : `${rest.status} ${String(code)}`;
  expect(viaMcp).toBe(viaRest);
  // Who does not get in at all is told by the status of HTTP.
  if (rest.status === 401) expect(mcp.status).toBe(401);
  return viaRest;
}

function inPlace(place: (typeof PLACES)[number], value: string): HeaderChanges {
  return { [place]: place === 'authorization' ? `Bearer ${value}` : value };
}

describe.each(DATABASES)('virtual keys as credentials on %s', (database) => {
  test('each of the five headers opens /mcp and /v1, and none of them /api', async () => {
    await using scene = await startScene({ gateway: await freshDatabase(database) });
    const { gateway } = scene;
    const { value } = await createKey(gateway, 'k1', grants);
    expect(value).toMatch(/^sk-bf-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    for (const place of PLACES) {
      expect(await outcome(scene, inPlace(place, value)), place).toBe('ok');
      expect(await outcome(scene, inPlace(place, 'sk-bf-unknown')), place).toBe('401 virtual_key_not_found');
      const { status } = await gateway.api('GET', '/api/mcp/clients', undefined, {
        authorization: '',
        ...inPlace(place, value),
      });
      expect(status, place).toBe(401);
    }
  });

  test('x-bf-vk comes first, and a credential that is no virtual key is passed over', async () => {
    await using scene = await startScene({ gateway: await freshDatabase(database) });
    const k1 = await createKey(scene.gateway, 'k1', grants);
    const k2 = await createKey(scene.gateway, 'k2');
    const both = (first: TestKey, second: TestKey) => ({
      'x-bf-vk': first.value,
      authorization: `Bearer ${second.value}`,
    });
    expect(await outcome(scene, both(k1, k2))).toBe('ok');
    expect(await outcome(scene, both(k2, k1))).toBe('403 mcp_tool_blocked');
    expect(await outcome(scene, { authorization: 'Bearer for-another-gateway', 'x-api-key': k1.value })).toBe('ok');
    expect(await outcome(scene, { 'x-api-key': 'sk-of-a-provider' })).toBe('401 virtual_key_required');
    expect(await outcome(scene, {})).toBe('401 virtual_key_required');
  });

  test('a key that is inactive or has expired is refused at once, and works again when that is mended', async () => {
    await using scene = await startScene({ gateway: await freshDatabase(database) });
    const { gateway } = scene;
    const k1 = await createKey(gateway, 'k1', grants);
    const headers = { 'x-bf-vk': k1.value };
    await updateKey(gateway, k1, { is_active: false });
    expect(await outcome(scene, headers)).toBe('403 access_blocked');
    const soon = Date.now() + 400;
    await updateKey(gateway, k1, { is_active: true, expires_at: new Date(soon).toISOString() });
    expect(await outcome(scene, headers)).toBe('ok');
    while (Date.now() <= soon) await new Promise((resolve) => setTimeout(resolve, 20));
    expect(await outcome(scene, headers)).toBe('403 access_blocked');
    await updateKey(gateway, k1, { expires_at: '' });
    expect(await outcome(scene, headers)).toBe('ok');
    expect((await gateway.api('DELETE', `/api/governance/virtual-keys/${k1.id}`)).status).toBe(200);
    expect(await outcome(scene, headers)).toBe('401 virtual_key_not_found');
  });

  test('a rotated key works beside its former value for the grace period, and only that one', async () => {
    await using scene = await startScene({ gateway: await freshDatabase(database) });
    const { gateway } = scene;
    const { id, value: first } = await createKey(gateway, 'k1', grants);
    const rotate = async (): Promise<string> => {
      const { status, body } = await gateway.api('POST', `/api/governance/virtual-keys/${id}/rotate`);
      expect(status, JSON.stringify(body)).toBe(200);
      return (body['virtual_key'] as { value: string }).value;
    };
    const second = await rotate();
    expect(second).not.toBe(first);
    expect(await outcome(scene, { 'x-bf-vk': first })).toBe('401 virtual_key_not_found');
    await gateway.api('PUT', '/api/config', { client_config: { vk_rotation_cooldown: 3600 } });
    const third = await rotate();
    expect(await outcome(scene, { 'x-bf-vk': second })).toBe('ok');
    expect(await outcome(scene, { 'x-bf-vk': third })).toBe('ok');
    await rotate();
    expect(await outcome(scene, { 'x-bf-vk': second })).toBe('401 virtual_key_not_found');
    expect(await outcome(scene, { 'x-bf-vk': third })).toBe('ok');
    expect((await getKey(gateway, { id })).value).not.toBe(third);
  });

  test('required headers are asked for before anything else', async () => {
    await using scene = await startScene({ gateway: await freshDatabase(database) });
    const { gateway } = scene;
    const k1 = await createKey(gateway, 'k1', grants);
    await gateway.api('PUT', '/api/config', { client_config: { required_headers: ['X-Cost-Center'] } });
    expect(await outcome(scene, { 'x-bf-vk': 'sk-bf-unknown' })).toBe('400 missing_required_headers');
    expect(await outcome(scene, { 'x-bf-vk': k1.value, 'x-cost-center': '7' })).toBe('ok');
  });

  test('without enforcement a caller without a key sees everything, and one with a key only what it grants', async () => {
    await using scene = await startScene({ gateway: await freshDatabase(database) });
    const { gateway } = scene;
    await gateway.api('PUT', '/api/config', { client_config: { enforce_auth_on_inference: false } });
    const k2 = await createKey(gateway, 'k2');
    expect(await outcome(scene, {})).toBe('ok');
    expect(await outcome(scene, { 'x-bf-vk': k2.value })).toBe('403 mcp_tool_blocked');
    expect(await outcome(scene, { 'x-bf-vk': 'sk-bf-unknown' })).toBe('401 virtual_key_not_found');
  });
});
