import { mkdir, realpath } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import type { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { expect, test } from 'vitest';
import { connectAsked, type AskedClient } from '../kit/asked-clients.ts';
import { httpClient, startGateway } from '../kit/gateway.ts';
import { serveLegacy } from '../kit/legacy-host.ts';
import { createRootsServer } from '../kit/roots-server.ts';
import { filesystemServer } from '../kit/stdio.ts';
import { temporaryDirectory } from '../kit/temporary-directory.ts';
import { waitFor } from '../kit/wait.ts';
import type { McpEndpoint } from '../kit/wire.ts';

/** A legacy client whose roots the test changes. */
async function connectWithRoots(gateway: McpEndpoint, name: string) {
  const roots = { uris: [`file:///home/${name}`] };
  const answer = () => ({ roots: roots.uris.map((uri) => ({ uri })) });
  const client = await connectAsked('legacy', gateway, {
    name,
    capabilities: { roots: { listChanged: true } },
    answer,
  });
  return Object.assign(client, {
    roots,
    async change(...uris: string[]) {
      roots.uris = uris;
      await (client.client as Client).sendRootsListChanged();
    },
  });
}

const known = (client: AskedClient) => client.run('tools/call', 'roots');

test('the roots of each client reach its own session of a server, also when they change', async () => {
  await using host = await serveLegacy(createRootsServer);
  await using gateway = await startGateway();
  await gateway.createClient(httpClient(host.url));
  await using ada = await connectWithRoots(gateway, 'ada');
  await using bob = await connectWithRoots(gateway, 'bob');
  for (const client of [ada, bob]) {
    const [own] = client.roots.uris;
    await waitFor(async () => (await known(client)) === own, 'the roots to be known');
  }
  await ada.change('file:///new', 'file:///newer');
  await waitFor(async () => (await known(ada)) === 'file:///new file:///newer', 'the new roots to be known');
  expect(await known(bob)).toBe('file:///home/bob');
  expect(host.methods.filter((method) => method === 'notifications/roots/list_changed')).toHaveLength(1);
});

test('the official file system server follows the roots of its client', async () => {
  await using folder = await temporaryDirectory();
  const path = await realpath(folder.path);
  for (const name of ['start', 'one', 'two']) await mkdir(`${path}/${name}`);
  await using gateway = await startGateway();
  const stdio_config = filesystemServer(`${path}/start`);
  await gateway.createClient({ name: 'c1', connection_type: 'stdio', stdio_config, tools_to_execute: ['*'] });
  await using ada = await connectWithRoots(gateway, 'ada');
  const allowed = () => ada.run('tools/call', 'list_allowed_directories');
  for (const name of ['one', 'two', 'one']) {
    await ada.change(pathToFileURL(`${path}/${name}`).href);
    await waitFor(async () => (await allowed()).includes(`${path}/${name}`), `the folder ${name} to be allowed`);
    expect(await allowed()).not.toContain('start');
  }
});
