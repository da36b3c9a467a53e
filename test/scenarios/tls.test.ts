import { beforeAll, afterEach, expect, test, vi } from 'vitest';
import { certificates, type Certificates } from '../kit/certificates.ts';
import { httpClient, startGateway } from '../kit/gateway.ts';
import { callText, expectDone, expectRefused } from '../kit/scene.ts';
import { startUpstream } from '../kit/upstream.ts';

let made: Certificates;
beforeAll(async () => {
  made = await certificates();
});
afterEach(() => {
  vi.unstubAllEnvs();
});

test('a server with a private authority is trusted with its CA and only with it', async () => {
  await using upstream = await startUpstream({ tls: { certificates: made } });
  await using gateway = await startGateway();
  const create = (more: object): ReturnType<typeof gateway.api> =>
    gateway.api('POST', '/api/mcp/client', httpClient(upstream.url, { ...more }));
  await expectRefused(gateway, 422, () => create({}));
  expect(upstream.requests).toHaveLength(0);

  expectDone(await create({ tls_config: { ca_cert_pem: made.ca } }), 'connected');
  expect(await callText(gateway, 'c1-echo', { text: 'safe' })).toBe('safe');
});

test('the CA may come from the environment; it is masked, its echo keeps it, {} takes it away and is refused', async () => {
  vi.stubEnv('ASBRU_TEST_CA', made.ca);
  await using upstream = await startUpstream({ tls: { certificates: made } });
  await using gateway = await startGateway();
  const id = await gateway.createClient(httpClient(upstream.url, { disabled: true }));
  expectDone(await gateway.update(id, { tls_config: { ca_cert_pem: 'env.ASBRU_TEST_CA' } }), 'edited');
  expectDone(await gateway.update(id, { disabled: false }), 'edited');
  expectDone(await gateway.api('POST', `/api/mcp/client/${id}/reconnect`), 'reconnected');
  const { config } = await gateway.getClient(id);
  expect(config.tls_config?.ca_cert_pem).toMatchObject({ env_var: 'env.ASBRU_TEST_CA', from_env: true });
  expect(JSON.stringify(config)).not.toContain(made.ca.slice(60, 120));
  expectDone(await gateway.update(id, { tls_config: config.tls_config }), 'edited');
  expect(await callText(gateway, 'c1-echo', { text: 'safe' })).toBe('safe');

  await expectRefused(gateway, 422, () => gateway.update(id, { tls_config: {} }));
  expect(await callText(gateway, 'c1-echo', { text: 'still safe' })).toBe('still safe');
});

test('a reference to an empty variable does not connect', async () => {
  await using upstream = await startUpstream({ tls: { certificates: made } });
  await using gateway = await startGateway();
  const client = httpClient(upstream.url, { tls_config: { ca_cert_pem: 'env.ASBRU_TEST_NO_SUCH_CA' } });
  const { status } = await gateway.api('POST', '/api/mcp/client', client);
  expect([400, 422]).toContain(status);
  expect(await gateway.listClients()).toEqual([]);
});

test('skipping verification wins over a useless CA', async () => {
  await using upstream = await startUpstream({ tls: { certificates: made } });
  await using gateway = await startGateway();
  const skip = { insecure_skip_verify: true, ca_cert_pem: 'garbage' };
  const id = await gateway.createClient(httpClient(upstream.url, { tls_config: skip }));
  expect((await gateway.getClient(id)).state).toBe('connected');
  expectDone(await gateway.update(id, { tls_config: skip }), 'edited');
  expect(await callText(gateway, 'c1-echo', { text: 'anything goes' })).toBe('anything goes');
});

test('a server that demands a client certificate gets it, and its key is never shown', async () => {
  await using upstream = await startUpstream({ tls: { certificates: made, requiresClientCertificate: true } });
  await using gateway = await startGateway();
  const pair = { client_cert_pem: made.client.cert, client_key_pem: made.client.key };
  const create = (tls_config: object): ReturnType<typeof gateway.api> =>
    gateway.api('POST', '/api/mcp/client', httpClient(upstream.url, { tls_config }));
  await expectRefused(gateway, 422, () => create({ ca_cert_pem: made.ca }));
  await expectRefused(gateway, 400, () => create({ ca_cert_pem: made.ca, client_cert_pem: made.client.cert }));
  expectDone(await create({ ca_cert_pem: made.ca, ...pair }), 'connected');
  expect(await callText(gateway, 'c1-echo', { text: 'mutual' })).toBe('mutual');
  const shown = JSON.stringify(await gateway.listClients());
  expect(shown).not.toContain(made.client.key.slice(40, 100));
});

test('TLS settings on a stdio client are answered with a warning', async () => {
  await using gateway = await startGateway();
  const client = { name: 'c1', connection_type: 'stdio', stdio_config: { command: 'true' }, disabled: true };
  const answer = await gateway.api('POST', '/api/mcp/client', {
    ...client,
    tls_config: { insecure_skip_verify: true },
  });
  expect(answer).toMatchObject({ status: 200, body: { warnings: [expect.stringContaining('tls_config')] } });
});
