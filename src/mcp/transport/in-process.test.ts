import { once } from 'node:events';
import { McpServer as OldServer } from '@modelcontextprotocol/sdk/server/mcp.js';
import { McpServer as NewServer } from '@modelcontextprotocol/server';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { ask, askResult, handshake, recordEvents, rejection } from '../../../test/kit/connection-peer.ts';
import { openInProcess, type ConnectableServer, type InProcessServer } from './in-process.ts';

/** Which servers have seen their call cancelled. */
const aborted: string[] = [];

const info = { name: 'inside', version: '1' };

async function untilAborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}

function createOld() {
  const server = new OldServer(info, { capabilities: { logging: {} } });
  server.registerTool('double', { inputSchema: { n: z.number() } }, ({ n }) => ({
    content: [{ type: 'text', text: String(n * 2) }],
  }));
  server.registerTool('slow', {}, async ({ signal, sendNotification, _meta }) => {
    const progressToken = _meta?.progressToken ?? 'none';
    await sendNotification({ method: 'notifications/progress', params: { progressToken, progress: 1 } });
    await untilAborted(signal);
    aborted.push('SDK v1');
    return { content: [] };
  });
  return server;
}

function createNew() {
  const server = new NewServer(info, { capabilities: { logging: {} } });
  server.registerTool('double', { inputSchema: z.object({ n: z.number() }) }, ({ n }) => ({
    content: [{ type: 'text', text: String(n * 2) }],
  }));
  server.registerTool('slow', {}, async (context) => {
    const progressToken = context.mcpReq._meta?.progressToken ?? 'none';
    await context.mcpReq.notify({ method: 'notifications/progress', params: { progressToken, progress: 1 } });
    await untilAborted(context.mcpReq.signal);
    aborted.push('SDK v2');
    return { content: [] };
  });
  return server;
}

const open = (server: InProcessServer, events = recordEvents()) =>
  openInProcess(server, events, new AbortController().signal);
const double = { method: 'tools/call', params: { name: 'double', arguments: { n: 21 } } };
const doubled = { content: [{ type: 'text', text: '42' }] };

for (const { sdk, create } of [
  { sdk: 'SDK v1', create: createOld as () => ConnectableServer },
  { sdk: 'SDK v2', create: createNew as () => ConnectableServer },
]) {
  test(`${sdk}: a server object shakes hands and answers calls`, async () => {
    const connection = await open(create());
    expect(await handshake(connection)).toMatchObject({ serverInfo: info });
    expect(await askResult(connection, double)).toMatchObject(doubled);
    await connection.close();
    await connection.close();
  });

  test(`${sdk}: progress and cancellation pass`, async () => {
    const connection = await open(create);
    await handshake(connection);
    const caller = new AbortController();
    const started = Promise.withResolvers<void>();
    const params = { name: 'slow', arguments: {} };
    const onNotification = () => started.resolve();
    const call = ask(connection, { method: 'tools/call', params, signal: caller.signal, onNotification });
    await started.promise;
    caller.abort();
    await rejection(call, 'call_cancelled');
    await expect.poll(() => aborted).toContain(sdk);
    await connection.close();
  });

  test(`${sdk}: an object that is connected again leaves its former connection`, async () => {
    const server = create();
    const events = recordEvents();
    const former = await open(server, events);
    await handshake(former);
    const next = await open(server);
    expect(events.closings.map(({ code }) => code)).toEqual(['upstream_lost']);
    await former.close();
    await handshake(next);
    expect(await askResult(next, double)).toMatchObject(doubled);
    await next.close();
  });

  test(`${sdk}: a function makes a fresh server for each connection`, async () => {
    const made: ConnectableServer[] = [];
    const make = async () => {
      const server = create();
      made.push(server);
      return server;
    };
    const both = [await open(make), await open(make)];
    for (const connection of both) {
      await handshake(connection);
      expect(await askResult(connection, double)).toMatchObject(doubled);
    }
    expect(new Set(made).size).toBe(2);
    for (const connection of both) await connection.close();
  });

  test(`${sdk}: a server that closes itself ends its calls and tells the owner once`, async () => {
    const server = create();
    const events = recordEvents();
    const connection = await open(server, events);
    await handshake(connection);
    const call = ask(connection, { method: 'tools/call', params: { name: 'slow', arguments: {} } });
    await server.close?.();
    await rejection(call, 'upstream_lost');
    await connection.close();
    expect(events.closings).toHaveLength(1);
  });
}

test('the types of both SDKs fit', () => {
  const servers: InProcessServer[] = [createOld, createNew, createOld(), createNew(), createOld().server];
  expect(servers).toHaveLength(5);
});

test('a server that was made for a connection is closed with it', async () => {
  let closings = 0;
  const make = () => ({ connect: async () => {}, close: async () => void closings++ });
  const connection = await open(make);
  expect(closings).toBe(0);
  await connection.close();
  await connection.close();
  expect(closings).toBe(1);
});

test('a server that cannot be made is unreachable, with its reason', async () => {
  const failing = () => Promise.reject(new Error('no licence'));
  expect(await rejection(open(failing), 'upstream_unreachable')).toContain('no licence');
  await rejection(openInProcess(createNew, recordEvents(), AbortSignal.abort()), 'call_cancelled');
});
