import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import type { McpClientView } from '../../src/contract/mcp-client.ts';
import { httpClient, startGateway } from '../kit/gateway.ts';
import { expectDone, expectRefused, seenHeaders, startScene } from '../kit/scene.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { startUpstream } from '../kit/upstream.ts';

const token = 'Bearer canary-7f3a9b5c1d';
const masked = `Bear${'*'.repeat(24)}5c1d`;

afterEach(() => {
  vi.unstubAllEnvs();
});

/** The GET object as a client would send it back: durations are read in other units than they are written. */
function echoOf({ config }: McpClientView): Record<string, unknown> {
  const { tool_sync_interval: _sync, tool_execution_timeout: _timeout, ...rest } = config;
  return rest;
}

test('an echo of the whole shown object is accepted and keeps every secret', async () => {
  const upstream = { requiredHeader: ['Authorization', token] } as const;
  await using scene = await startScene({
    upstream,
    client: { headers: { Authorization: token }, tool_sync_interval: 7 },
  });
  const { gateway, id } = scene;
  const before = await gateway.getClient(id);
  expect(before.config.headers['Authorization']).toEqual({ value: masked, env_var: '', from_env: false });
  expectDone(await scene.update(echoOf(before)), 'edited');
  expect(await gateway.getClient(id)).toEqual(before);
  expect(await seenHeaders(gateway)).toMatchObject({ authorization: token });
  expectDone(await gateway.api('POST', `/api/mcp/client/${id}/reconnect`), 'reconnected');
});

test.for([
  ['the object as shown', { value: masked, env_var: '', from_env: false }],
  ['the mask alone', masked],
  ['a placeholder word', '<redacted>'],
] as const)('%s in a header keeps its secret, new headers come, the others go', async ([, value]) => {
  await using scene = await startScene({ client: { headers: { Authorization: token, 'X-Old': 'old-value' } } });
  expectDone(await scene.update({ headers: { authorization: value, 'X-A': '1' } }), 'edited');
  const seen = await seenHeaders(scene.gateway);
  expect(seen).toMatchObject({ authorization: token, 'x-a': '1' });
  expect(seen).not.toHaveProperty('x-old');
});

test('a mask with nothing behind it is refused instead of stored as stars', async () => {
  await using scene = await startScene({ client: { headers: { Authorization: token } } });
  await expectRefused(scene.gateway, 400, () => scene.update({ headers: { 'X-New': masked } }));
});

test('an empty header map clears all headers', async () => {
  await using scene = await startScene({ client: { headers: { 'X-Old': 'old-value' } } });
  expectDone(await scene.update({ headers: {} }), 'edited');
  expect((await scene.gateway.getClient(scene.id)).config.headers).toEqual({});
  expect(await seenHeaders(scene.gateway)).not.toHaveProperty('x-old');
});

test('a reference to the environment is shown as such and used by value', async () => {
  vi.stubEnv('ASBRU_TEST_TOKEN', token);
  await using scene = await startScene({ client: { headers: { Authorization: 'first' } } });
  const { gateway, id } = scene;
  for (const value of ['env.ASBRU_TEST_TOKEN', { value: '', env_var: 'env.ASBRU_TEST_TOKEN', from_env: true }]) {
    expectDone(await scene.update({ headers: { Authorization: value } }), 'edited');
    expect((await gateway.getClient(id)).config.headers['Authorization']).toMatchObject({
      value: masked,
      env_var: 'env.ASBRU_TEST_TOKEN',
      from_env: true,
    });
    expect(await seenHeaders(gateway)).toMatchObject({ authorization: token });
  }
});

test('a connection string may come from the environment', async () => {
  await using upstream = await startUpstream();
  vi.stubEnv('ASBRU_TEST_URL', upstream.url);
  await using gateway = await startGateway();
  const id = await gateway.createClient(httpClient('env.ASBRU_TEST_URL'));
  const { config, state } = await gateway.getClient(id);
  expect(state).toBe('connected');
  expect(config.connection_string).toMatchObject({ env_var: 'env.ASBRU_TEST_URL', from_env: true });
});

test('no secret appears in any answer of the management API', async () => {
  await using upstream = await startUpstream({ requiredHeader: ['X-Key', 'canary-header-value'] });
  await using gateway = await startGateway();
  const url = `${upstream.url}?token=canary-url-value`;
  const good = httpClient(url, { headers: { 'X-Key': 'canary-header-value' } });
  const answers = [
    await gateway.api('POST', '/api/mcp/client', good),
    await gateway.api('POST', '/api/mcp/client', { ...good, name: 'c2', headers: { 'X-Key': 'canary-wrong-value' } }),
    await gateway.api('POST', '/api/mcp/client', { ...good, name: 'a-b' }),
    await gateway.api('GET', '/api/mcp/clients'),
    await gateway.api('GET', '/api/config'),
    await gateway.api('GET', '/api/api-keys'),
  ];
  expect(answers[0]?.status).toBe(200);
  for (const answer of answers) {
    expect(JSON.stringify(answer.body)).not.toMatch(/canary-(header|url|wrong)-value/);
    expect(JSON.stringify(answer.body)).not.toContain(gateway.apiKey);
  }
});

test.for([
  ['a passphrase', { passphrase: 'a long enough passphrase' }],
  ['a passphrase in the config file', { config: { encryption_key: 'a long enough passphrase' } }],
  ['a key file of its own', {}],
] as const)('with %s no secret is readable on the disk, and all works after a restart', async ([, key]) => {
  await using folder = await temporaryFolder();
  await using upstream = await startUpstream({ requiredHeader: ['Authorization', token] });
  const options = { ...key, appDir: folder.path };
  const url = `${upstream.url}?token=canary-url-value`;
  let apiKey: string;
  {
    await using gateway = await startGateway(options);
    apiKey = gateway.apiKey;
    await gateway.createClient(httpClient(url, { headers: { Authorization: token } }));
    const files = await readdir(folder.path);
    expect(files).toContain('asbru.db');
    for (const file of files) {
      const bytes = await readFile(join(folder.path, file), 'latin1');
      expect(bytes, file).not.toContain('canary-');
      expect(bytes, file).not.toContain(apiKey);
    }
  }
  await using again = await startGateway({ ...options, apiKey });
  await again.ready;
  expect(await seenHeaders(again)).toMatchObject({ authorization: token });
});
