import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { startDatabaseLink } from '../kit/database-link.ts';
import { newPostgresUrl } from '../kit/databases.ts';
import { httpClient, startGateway } from '../kit/gateway.ts';
import { callText, startScene } from '../kit/scene.ts';
import { waitFor } from '../kit/wait.ts';

/** What a balancer sees: a status, or that nobody answers. */
async function probe(address: string, path = '/health/ready') {
  try {
    const response = await fetch(`${address}${path}`, { headers: { connection: 'close' } });
    return { status: response.status, body: (await response.json()) as Record<string, unknown> };
  } catch {
    return { status: 0, body: {} };
  }
}

const becomesReady = (address: string) => waitFor(async () => (await probe(address)).status === 200, 'ready');

test('a gateway says without a key that it is alive, and that it is ready', async () => {
  await using gateway = await startGateway();
  expect(await probe(gateway.address, '/health/live')).toEqual({ status: 200, body: { status: 'live' } });
  await becomesReady(gateway.address);
  expect((await probe(gateway.address)).body).toEqual({ status: 'ready', database: 'ok' });
});

test('it is alive, but not ready, until its servers had a chance to connect', async () => {
  const held = new Set<Socket>();
  const silent = createServer((socket) => void held.add(socket)).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const entry = httpClient(`http://127.0.0.1:${port}/mcp`, { client_id: 'silent' });
  await using gateway = await startGateway({ config: { mcp: { client_configs: [entry] } } });
  expect((await probe(gateway.address, '/health/live')).status).toBe(200);
  expect(await probe(gateway.address)).toMatchObject({ status: 503, body: { type: 'starting' } });
  for (const socket of held) socket.destroy();
  silent.close();
  await becomesReady(gateway.address);
});

test('a drain says "not ready" first, serves on for the grace, ends what runs, and then the port is closed', async () => {
  const scene = await startScene({ gateway: { drainGrace: 1 } });
  await using _scene = scene;
  const { gateway, upstream } = scene;
  await becomesReady(gateway.address);
  const gate = Promise.withResolvers<void>();
  upstream.host.gate = gate.promise;
  const running = callText(gateway, 'c1-echo', { text: 'from before' });
  await waitFor(() => upstream.host.calls.length > 0, 'the call to reach the server');
  upstream.host.gate = undefined;
  const closing = gateway.close();
  expect(await probe(gateway.address)).toMatchObject({ status: 503, body: { type: 'shutting_down' } });
  expect((await probe(gateway.address, '/health/live')).status).toBe(200);
  expect(await callText(gateway, 'c1-echo', { text: 'still here' })).toBe('still here');
  await waitFor(async () => (await probe(gateway.address, '/health/live')).status === 0, 'the port to close');
  gate.resolve();
  expect(await running).toBe('from before');
  await closing;
});

test('without its database a gateway that has loaded stays ready and serves what it knows, and says so', async () => {
  await using link = await startDatabaseLink(await newPostgresUrl());
  const config = { config_store: { enabled: true, type: 'postgres', config: { url: link.url } } };
  const scene = await startScene({ gateway: { config, passphrase: 'a passphrase of this test' } });
  await using _scene = scene;
  const { gateway } = scene;
  await becomesReady(gateway.address);
  link.cut();
  await waitFor(async () => (await probe(gateway.address)).body['database'] === 'unreachable', 'the outage');
  expect((await probe(gateway.address)).status).toBe(200);
  expect((await probe(gateway.address, '/health')).status).toBe(503);
  expect(await callText(gateway, 'c1-echo', { text: 'from memory' })).toBe('from memory');
  link.mend();
  await waitFor(async () => (await probe(gateway.address)).body['database'] === 'ok', 'the database');
});
