import { afterAll, beforeAll, expect, test } from 'vitest';
import { ASKABLE } from '../kit/asked-clients.ts';
import { startGateway, type GatewayAccess, type TestGateway } from '../kit/gateway.ts';
import { serveLegacy, type LegacyHost } from '../kit/legacy-host.ts';
import { createShelfServer, type Shelf } from '../kit/shelf-server.ts';
import { temporaryDirectory } from '../kit/temporary-directory.ts';
import { waitForAll } from '../kit/wait.ts';
import { openSession, postModern } from '../kit/wire.ts';

const NAMES = ['zeta', 'alpha', 'Beta', 'mid', 'a1', 'a'];
const METHODS = ['tools/list', 'prompts/list', 'resources/list', 'resources/templates/list'];

/** Items in no order; the resource `shared://x` is everybody's. */
function shelfOf(name: string): Shelf {
  const words = ['z', 'a', 'B', 'é', 'a_1', 'a-1'];
  return {
    tools: words.map((word) => ({ name: word, inputSchema: { type: 'object' } })),
    prompts: words.map((word) => ({ name: word })),
    resources: [...words.map((word) => ({ uri: `${name}://${word}`, name: word })), { uri: 'shared://x', name }],
    resourceTemplates: [
      { uriTemplate: 'shared://{x}', name },
      { uriTemplate: `${name}://t/{x}`, name },
    ],
  };
}

let hosts: LegacyHost[];
beforeAll(async () => {
  hosts = await Promise.all(NAMES.map((name) => serveLegacy(() => createShelfServer(shelfOf(name)))));
});
afterAll(async () => {
  for (const host of hosts) await host[Symbol.asyncDispose]();
});

const config = () => ({
  mcp: {
    client_configs: NAMES.map((name, index) => ({
      name,
      connection_type: 'http',
      connection_string: hosts[index]?.url,
      tools_to_execute: ['*'],
    })),
  },
});

/** What every list looks like to a modern client, and to one that can be asked, byte for byte. */
async function allLists(gateway: GatewayAccess): Promise<string[]> {
  const texts: string[] = [];
  for (const capabilities of [{}, ASKABLE]) {
    for (const method of METHODS) {
      const { text } = await postModern(gateway, method, {}, { capabilities });
      texts.push(text.replace(/"id":\d+/, '"id":0'));
    }
  }
  return texts;
}

/** Waits until every server is connected. */
async function connected(gateway: TestGateway): Promise<TestGateway> {
  const states = async () => (await gateway.listClients()).map(({ state }) => state);
  await waitForAll(async () => (await states()).every((state) => state === 'connected'), 'all servers to be connected');
  return gateway;
}

test('lists are the same to the byte, in whatever order the servers come up', async () => {
  await using first = await connected(await startGateway({ config: config() }));
  const wanted = await allLists(first);
  expect(wanted[0]).toContain('"zeta-z"');
  for (const [round, late] of [[0, 3], [5], [1, 2, 4, 0]].entries()) {
    for (const index of late) await hosts[index]?.stop();
    await using gateway = await startGateway({ config: config(), timing: { backOff: () => 20 } });
    await gateway.ready;
    for (const index of late.toReversed()) await hosts[index]?.restart();
    await connected(gateway);
    expect(await allLists(gateway), `round ${round}`).toEqual(wanted);
  }
});

test('lists stay the same to the byte from request to request, session to session, and over a restart', async () => {
  await using folder = await temporaryDirectory();
  const options = { appDir: folder.path, apiKey: `bfst-${'a'.repeat(48)}` };
  const before = await connected(await startGateway({ ...options, config: config() }));
  const wanted = await allLists(before);
  expect(await allLists(before)).toEqual(wanted);
  const legacy = async (gateway: GatewayAccess) => {
    const session = await openSession(gateway);
    const texts = [];
    for (const method of METHODS) texts.push((await session.request(method)).text.replace(/"id":\d+/, ''));
    return texts;
  };
  const wantedLegacy = await legacy(before);
  expect(await legacy(before)).toEqual(wantedLegacy);
  await before.close();
  await using after = await connected(await startGateway(options));
  expect(await allLists(after)).toEqual(wanted);
  expect(await legacy(after)).toEqual(wantedLegacy);
});
