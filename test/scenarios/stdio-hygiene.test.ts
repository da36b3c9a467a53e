import { expect, test } from 'vitest';
import { startGateway } from '../kit/gateway.ts';
import { startChildGateway } from '../kit/child-gateway.ts';
import { NODE_COUNT } from '../kit/node-count.ts';
import { childrenOf, isAlive } from '../kit/processes.ts';
import { callText, expectDone } from '../kit/scene.ts';
import { stdioServer } from '../kit/stdio.ts';
import { waitFor } from '../kit/wait.ts';

const client = { name: 'c1', connection_type: 'stdio', stdio_config: stdioServer(), tools_to_execute: ['*'] };

/** The running test servers that are children of this process. */
async function serversOf(parent: number): Promise<number[]> {
  return (await childrenOf(parent)).filter(({ command }) => command.includes('stdio-server.mjs')).map(({ pid }) => pid);
}

test('closing the gateway lets a running call end and leaves no child process', async () => {
  const before = await serversOf(process.pid);
  const gateway = await startGateway();
  const id = await gateway.createClient(client);
  await gateway.createClient({ ...client, name: 'c2' });
  const started = (await serversOf(process.pid)).filter((pid) => !before.includes(pid));
  // Each node has processes of its own.
  expect(started).toHaveLength(2 * NODE_COUNT);
  const { tools } = await gateway.getClient(id);
  expect(tools.map(({ name }) => name)).toContain('slow');
  const call = gateway.execute('c1-slow', { ms: 300 });
  // A call of the other client comes back, so the first request was on its way before.
  expect((await gateway.execute('c2-echo', { text: 'x' })).status).toBe(200);
  await gateway.close();
  expect((await call).status).toBe(200);
  for (const pid of started) expect(isAlive(pid)).toBe(false);
});

test('disabling, replacing and deleting a client end its process', async () => {
  const before = await serversOf(process.pid);
  await using gateway = await startGateway();
  const alive = async (): Promise<number> =>
    (await serversOf(process.pid)).filter((pid) => !before.includes(pid)).length;
  const id = await gateway.createClient(client);
  expect(await alive()).toBe(NODE_COUNT);
  expectDone(await gateway.update(id, { disabled: true }), 'edited');
  await waitFor(async () => (await alive()) === 0, 'the process of the disabled client to end');
  expectDone(await gateway.update(id, { disabled: false }), 'edited');
  expectDone(await gateway.update(id, { stdio_config: { ...stdioServer(), envs: ['CHANGED=1'] } }), 'edited');
  await waitFor(async () => (await alive()) === NODE_COUNT, 'the replaced process to end');
  expect(await callText(gateway, 'c1-echo', { text: 'new' })).toBe('new');
  expectDone(await gateway.api('POST', `/api/mcp/client/${id}/reconnect`), 'reconnected');
  await waitFor(async () => (await alive()) === NODE_COUNT, 'the process before the reconnect to end');
  expectDone(await gateway.api('DELETE', `/api/mcp/client/${id}`), 'removed');
  await waitFor(async () => (await alive()) === 0, 'the process of the deleted client to end');
});

test('a failed registration leaves no process behind', async () => {
  await using gateway = await startGateway({ timing: { connectTimeoutMs: 500 } });
  const script = 'process.stdin.resume(); console.log("this is no MCP server")';
  const stdio_config = { command: process.execPath, args: ['-e', script] };
  const started = async (): Promise<boolean> =>
    (await childrenOf(process.pid)).some(({ command }) => command.includes('this is no MCP server'));
  const attempt = gateway.api('POST', '/api/mcp/client', { ...client, stdio_config });
  await waitFor(started, 'the process to start');
  expect((await attempt).status).toBe(422);
  await waitFor(async () => !(await started()), 'the process to end');
});

test('a child process that dies is started again', async () => {
  const before = await serversOf(process.pid);
  await using gateway = await startGateway();
  await gateway.createClient(client);
  const [pid] = (await serversOf(process.pid)).filter((pid) => !before.includes(pid));
  process.kill(pid ?? 0, 'SIGKILL');
  await waitFor(async () => (await gateway.execute('c1-echo', { text: 'x' })).status === 200, 'a new process', 15_000);
});

test('a gateway that is asked to end takes its children along', async () => {
  const gateway = await startChildGateway();
  await using _gateway = gateway;
  await gateway.createClient(client);
  const children = await serversOf(gateway.pid);
  expect(children).toHaveLength(1);
  await gateway.stop();
  await waitFor(() => children.every((pid) => !isAlive(pid)), 'the child to end');
});

test('a gateway that is killed leaves children that end by themselves when their input closes', async () => {
  const gateway = await startChildGateway();
  await using _gateway = gateway;
  await gateway.createClient(client);
  const children = await serversOf(gateway.pid);
  expect(children).toHaveLength(1);
  await gateway.kill();
  await waitFor(() => children.every((pid) => !isAlive(pid)), 'the child to end');
});
