import { expect, test } from 'vitest';
import { DEFAULT_SETTINGS } from '../../src/contract/client-settings.ts';
import { messageIn, startGateway, type GatewayAccess } from '../kit/gateway.ts';
import { postModern } from '../kit/wire.ts';

async function settingsOf(gateway: GatewayAccess): Promise<Record<string, unknown>> {
  const { status, body } = await gateway.api('GET', '/api/config');
  expect(status).toBe(200);
  return body['client_config'] as Record<string, unknown>;
}

test('settings start with their defaults, and a partial update keeps the rest', async () => {
  await using gateway = await startGateway();
  expect(await settingsOf(gateway)).toMatchObject(DEFAULT_SETTINGS);
  const before = await settingsOf(gateway);
  expect((await gateway.api('PUT', '/api/config', { client_config: { mcp_agent_depth: 4 } })).status).toBe(200);
  expect(await settingsOf(gateway)).toEqual({ ...before, mcp_agent_depth: 4 });
  const more = { mcp_code_mode_binding_level: 'tool', mcp_disable_auto_tool_inject: true };
  expect((await gateway.api('PUT', '/api/config', { client_config: more })).status).toBe(200);
  expect(await settingsOf(gateway)).toEqual({ ...before, ...more, mcp_agent_depth: 4 });
});

test.for([
  { mcp_agent_depth: 0 },
  { mcp_agent_depth: '10' },
  { mcp_tool_execution_timeout: 0 },
  { mcp_tool_sync_interval: 153_722_868 },
  { mcp_code_mode_binding_level: 'module' },
  { mcp_server_auth_mode: 'open' },
  { enforce_auth_on_inference: 'no' },
  { allowed_origins: 'https://a.example' },
])('the setting %j is refused and the others of the same request are not applied', async (bad) => {
  await using gateway = await startGateway();
  const before = await settingsOf(gateway);
  const good = 'mcp_agent_depth' in bad ? { mcp_tool_execution_timeout: 7 } : { mcp_agent_depth: 7 };
  const answer = await gateway.api('PUT', '/api/config', { client_config: { ...good, ...bad } });
  expect(answer.status).toBe(400);
  messageIn(answer);
  expect(await settingsOf(gateway)).toEqual(before);
});

test('without enforcement a caller without a key may list; with it not, both from the next request on', async () => {
  await using gateway = await startGateway();
  const anonymous = { address: gateway.address, apiKey: '' };
  const set = (enforce_auth_on_inference: boolean): ReturnType<typeof gateway.api> =>
    gateway.api('PUT', '/api/config', { client_config: { enforce_auth_on_inference } });
  expect((await postModern(anonymous, 'tools/list')).status).toBe(401);
  expect((await set(false)).status).toBe(200);
  expect((await postModern(anonymous, 'tools/list')).status).toBe(200);
  expect((await gateway.api('GET', '/api/config', undefined, { authorization: '' })).status).toBe(401);
  expect((await set(true)).status).toBe(200);
  expect((await postModern(anonymous, 'tools/list')).status).toBe(401);
});

test('the config file registers servers and settings at the start', async () => {
  await using gateway = await startGateway({
    config: {
      client: { mcp_agent_depth: 6 },
      mcp: {
        client_configs: [
          {
            name: 'from_file',
            connection_type: 'http',
            connection_string: 'http://127.0.0.1:9/mcp',
            tool_sync_interval: '10m',
          },
        ],
      },
    },
  });
  expect(await settingsOf(gateway)).toMatchObject({ mcp_agent_depth: 6 });
  const [client] = await gateway.listClients();
  expect(client?.config).toMatchObject({ name: 'from_file', tool_sync_interval: 600_000_000_000 });
  expect(client?.state).not.toBe('connected');
});
