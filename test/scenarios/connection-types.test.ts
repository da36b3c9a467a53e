import { mkdir, realpath, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { startGateway } from '../kit/gateway.ts';
import { inProcessServer } from '../kit/in-process.ts';
import { startModernUpstream } from '../kit/modern-upstream.ts';
import { callText, expectDone, listedTools } from '../kit/scene.ts';
import { everythingServer, filesystemServer, stdioServer } from '../kit/stdio.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { startSseUpstream, startUpstream } from '../kit/upstream.ts';
import { postModern } from '../kit/wire.ts';

afterEach(() => {
  vi.unstubAllEnvs();
});

test('http, sse, stdio and in-process servers answer side by side under their names', async () => {
  await using http = await startUpstream();
  await using json = await startUpstream({ answersJson: true });
  await using sse = await startSseUpstream();
  const inProcess = inProcessServer();
  await using gateway = await startGateway({ inprocess: { local: inProcess.create } });
  const all = { tools_to_execute: ['*'] };
  const clients = [
    { ...all, name: 'http', connection_type: 'http', connection_string: http.url },
    { ...all, name: 'json', connection_type: 'http', connection_string: json.url },
    { ...all, name: 'sse', connection_type: 'sse', connection_string: sse.url },
    { ...all, name: 'stdio', connection_type: 'stdio', stdio_config: stdioServer() },
    { ...all, name: 'inside', connection_type: 'inprocess', connection_string: 'local' },
  ];
  for (const client of clients) expectDone(await gateway.api('POST', '/api/mcp/client', client), 'connected');
  for (const { name, config } of (await gateway.listClients()).map((view) => ({ ...view, name: view.config.name }))) {
    expect(config.connection_type).toBe(clients.find((client) => client.name === name)?.connection_type);
    expect(await callText(gateway, `${name}-echo`, { text: name })).toBe(name);
  }
  expect(await listedTools(gateway)).toHaveLength(clients.length * 7);
  expect(inProcess.host.calls).toHaveLength(1);
});

test('a server of the modern revision alone is registered like any other', async () => {
  await using upstream = await startModernUpstream();
  await using gateway = await startGateway();
  const client = { name: 'modern', connection_type: 'http', connection_string: upstream.url, tools_to_execute: ['*'] };
  await gateway.createClient(client);
  expect(await callText(gateway, 'modern-echo', { text: 'hi' })).toBe('hi');
  const failed = await postModern(gateway, 'tools/call', { name: 'modern-fail', arguments: {} });
  expect(failed.reply.result).toMatchObject({ isError: true });
});

test('the official "everything" server runs as a child process', async () => {
  await using gateway = await startGateway();
  const client = {
    name: 'everything',
    connection_type: 'stdio',
    stdio_config: everythingServer(),
    tools_to_execute: ['*'],
  };
  const id = await gateway.createClient(client);
  expect((await gateway.getClient(id)).tools.length).toBeGreaterThan(5);
  expect(await callText(gateway, 'everything-echo', { message: 'hi' })).toContain('hi');
});

test('the official file system server reads a file', async () => {
  await using folder = await temporaryFolder();
  // The server compares real paths, and the system's temporary folder may be a link.
  const path = await realpath(folder.path);
  await mkdir(join(path, 'sub'));
  await writeFile(join(path, 'sub', 'a.txt'), 'what is in it');
  await using gateway = await startGateway();
  await gateway.createClient({
    name: 'files',
    connection_type: 'stdio',
    stdio_config: filesystemServer(path),
    tools_to_execute: ['*'],
  });
  expect(await callText(gateway, 'files-read_text_file', { path: join(path, 'sub', 'a.txt') })).toBe('what is in it');
});

test('a child process gets the variables that are named, and no others of the gateway', async () => {
  vi.stubEnv('ASBRU_TEST_HIDDEN', 'hidden');
  vi.stubEnv('ASBRU_TEST_TAKEN', 'taken');
  await using gateway = await startGateway();
  const envs = ['ASBRU_TEST_TAKEN', 'GIVEN=given', 'RENAMED=env.ASBRU_TEST_TAKEN'];
  const stdio_config = { ...everythingServer(), envs };
  await gateway.createClient({ name: 'everything', connection_type: 'stdio', stdio_config, tools_to_execute: ['*'] });
  const seen = JSON.parse(await callText(gateway, 'everything-get-env')) as Record<string, string>;
  expect(seen).toMatchObject({
    ASBRU_TEST_TAKEN: 'taken',
    GIVEN: 'given',
    RENAMED: 'taken',
    PATH: process.env['PATH'],
  });
  expect(seen).not.toHaveProperty('ASBRU_TEST_HIDDEN');
});

test('an in-process name that nobody registered is refused', async () => {
  await using gateway = await startGateway();
  const client = { name: 'c1', connection_type: 'inprocess', connection_string: 'nobody' };
  const { status } = await gateway.api('POST', '/api/mcp/client', client);
  expect([400, 422]).toContain(status);
  expect(await gateway.listClients()).toEqual([]);
});
