import { expect, test } from 'vitest';
import { startChildGateway } from '../kit/child-gateway.ts';
import { httpClient, startGateway } from '../kit/gateway.ts';
import { callText, expectDone } from '../kit/scene.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { startUpstream } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';

test('a gateway killed right after it answered an update has the same state after a restart', async () => {
  await using folder = await temporaryFolder();
  await using upstream = await startUpstream();
  const appDir = folder.path;
  const killed = await startChildGateway({ appDir });
  await using _killed = killed;
  const id = await killed.createClient(httpClient(upstream.url, { headers: { 'X-Key': 'a-secret-value' } }));
  for (let round = 0; round < 20; round += 1) await killed.update(id, { tool_pricing: { echo: round } });
  const before = await killed.getClient(id);
  const change = {
    name: 'x2',
    tools_to_execute: ['echo'],
    tools_to_auto_execute: ['echo'],
    headers: { 'X-Key': 'another-value' },
  };
  expectDone(await killed.update(id, change), 'edited');
  await killed.kill();

  await using gateway = await startGateway({ appDir, apiKey: killed.apiKey });
  const after = await waitFor(async () => {
    const view = await gateway.getClient(id);
    return view.state === 'connected' && view;
  }, 'the stored server to connect');
  const headers = { 'X-Key': { value: `anot${'*'.repeat(24)}alue`, env_var: '', from_env: false } };
  expect(after).toEqual({ ...before, config: { ...before.config, ...change, headers } });
  expect(await callText(gateway, 'x2-echo', { text: 'back' })).toBe('back');
});

test('keys and settings survive a restart too', async () => {
  await using folder = await temporaryFolder();
  const appDir = folder.path;
  const first = await startGateway({ appDir });
  const { body } = await first.api('POST', '/api/api-keys', { name: 'ci' });
  expect((await first.api('PUT', '/api/config', { client_config: { mcp_agent_depth: 3 } })).status).toBe(200);
  await first.close();
  await using second = await startGateway({ appDir });
  const headers = { authorization: `Bearer ${String(body['key'])}` };
  const config = await second.api('GET', '/api/config', undefined, headers);
  expect(config.status).toBe(200);
  expect(config.body['client_config']).toMatchObject({ mcp_agent_depth: 3 });
});

test('a start is not held up by servers that do not answer, and shows their tools of last time', async () => {
  await using folder = await temporaryFolder();
  const appDir = folder.path;
  await using upstream = await startUpstream();
  const first = await startGateway({ appDir });
  const id = await first.createClient(httpClient(upstream.url));
  const { apiKey } = first;
  const before = await first.getClient(id);
  await first.close();
  upstream.delayMs = 60_000;
  await using second = await startGateway({ appDir, apiKey });
  const view = await second.getClient(id);
  expect(view.state).not.toBe('connected');
  expect(view.config).toEqual(before.config);
  expect(view.tools).toEqual(before.tools);
});
