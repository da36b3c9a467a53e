import { once } from 'node:events';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import type { GatewayAccess } from '../kit/gateway.ts';
import { createKey } from '../kit/keys.ts';
import { getLog, type LogRow } from '../kit/logs.ts';
import { expectDone, startScene } from '../kit/scene.ts';
import { waitFor } from '../kit/wait.ts';
import { postModern } from '../kit/wire.ts';

interface Message {
  readonly type: string;
  readonly operation?: string;
  readonly payload: LogRow & { readonly table?: string };
}

/** A dashboard that listens, with a ticket as a browser needs it. */
async function listen({ api, address }: GatewayAccess, path = '/ws') {
  const { status, body } = await api('POST', '/api/session/ws-ticket');
  expect(status).toBe(200);
  const socket = new WebSocket(`${address.replace('http', 'ws')}${path}?ticket=${String(body['ticket'])}`);
  const heard: Message[] = [];
  socket.on('message', (data: Buffer) => heard.push(JSON.parse(data.toString()) as Message));
  await once(socket, 'open');
  return {
    of: (type: string) => heard.filter((message) => message.type === type),
    [Symbol.dispose]: () => socket.terminate(),
  };
}

test('a call is heard of when it begins and when it ends, as the logs show it', async () => {
  await using scene = await startScene();
  const { gateway, upstream } = scene;
  await scene.update({ tool_pricing: { echo: 0.01 } });
  const key = await createKey(gateway, 'k1', { mcp_configs: [{ mcp_client_name: 'c1', tools_to_execute: ['*'] }] });
  using dashboard = await listen(gateway);
  const gate = Promise.withResolvers<void>();
  upstream.host.gate = gate.promise;
  const call = postModern(key, 'tools/call', { name: 'c1-echo', arguments: { text: 'hi' } });
  const begun = await waitFor(() => dashboard.of('mcp_log')[0], 'the call to be heard of');
  expect(begun).toMatchObject({
    operation: 'create',
    payload: { status: 'processing', tool_name: 'echo', virtual_key_name: 'k1', arguments: { text: 'hi' } },
  });
  expect(begun.payload).not.toHaveProperty('latency');
  gate.resolve();
  await call;
  const ended = await waitFor(() => dashboard.of('mcp_log')[1], 'its end to be heard of');
  expect(ended).toMatchObject({ operation: 'update', payload: { id: begun.payload.id, status: 'success' } });
  const { latency: heardLatency, ...heard } = ended.payload;
  const { latency, ...stored } = await getLog(gateway, begun.payload.id);
  // The moment of storing is known only then.
  expect({ ...heard, created_at: '' }).toEqual({ ...stored, created_at: '' });
  expect(heardLatency).toBeCloseTo(latency ?? -1, 2);
});

test('a refused call and a long one are heard of too', async () => {
  await using scene = await startScene();
  const { gateway } = scene;
  using dashboard = await listen(gateway, '/api/ws');
  await gateway.execute('c1-invented');
  await gateway.execute('c1-echo', { text: 'x'.repeat(5000) });
  const rows = await waitFor(() => dashboard.of('mcp_log').length === 4 && dashboard.of('mcp_log'), 'both calls');
  const updates = rows.filter(({ operation }) => operation === 'update').map(({ payload }) => payload);
  expect(updates).toMatchObject([
    { tool_name: 'c1-invented', status: 'error', error_details: { type: 'mcp_tool_not_found' } },
    { tool_name: 'echo', status: 'success', arguments_truncated: true, result_truncated: true },
  ]);
  expect(String(updates[1]?.result)).toHaveLength(1000);
});

test('a change of a server is heard of, and so is one of a key', async () => {
  await using scene = await startScene();
  const { gateway } = scene;
  using dashboard = await listen(gateway, '/ws/logs');
  const changed = (table: string, id: string) =>
    dashboard.of('config_changed').some(({ payload }) => payload.table === table && payload.id === id);
  expectDone(await scene.update({ name: 'c9' }), 'edited');
  await waitFor(() => changed('mcp_clients', scene.id), 'the change of the server');
  const key = await createKey(gateway, 'k1');
  await waitFor(() => changed('virtual_keys', key.id), 'the new key');
});
