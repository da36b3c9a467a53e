import { expect, test } from 'vitest';
import { accept, ASKABLE, connectAsked, type ClientEra, type Heard } from '../kit/asked-clients.ts';
import { ASKING_SERVERS, startAskingScene } from '../kit/asking-scene.ts';
import { otherCaller } from '../kit/by-hand.ts';
import { startGateway, type GatewayAccess } from '../kit/gateway.ts';
import { everythingServer } from '../kit/stdio.ts';
import { waitFor } from '../kit/wait.ts';
import { openSession, postModern } from '../kit/wire.ts';

const ERAS: readonly ClientEra[] = ['legacy', 'modern'];

test.for(ASKING_SERVERS)(
  'questions of a %s server reach exactly the client whose call they belong to',
  async (server) => {
    await using scene = await startAskingScene(server);
    await using stack = new AsyncDisposableStack();
    // Two of the four share a key, so that only the session or the request tells them apart.
    const keys = [scene.gateway, await otherCaller(scene.gateway)];
    const users = [...ERAS, ...ERAS].map((era, index) => ({
      era,
      name: `user-${index}`,
      key: keys[index >> 1] ?? scene.gateway,
    }));
    const clients = await Promise.all(
      users.map(async ({ era, name, key }) => stack.use(await connectAsked(era, key, { name }))),
    );
    const calls = clients.flatMap((client, index) =>
      Array.from({ length: 5 }, async () => ({ index, said: await client.run('tools/call', 'rounds') })),
    );
    for (const { index, said } of await Promise.all(calls)) {
      const own = `user-${index}`;
      expect([...new Set(said.match(/user-\d/g))]).toEqual([own]);
      expect(JSON.parse(said)).toHaveLength(3);
    }
    for (const client of clients) expect(client.heard).toHaveLength(5 * 4);
  },
);

test.for(['legacy http', 'legacy stdio'] as const)(
  'a call on a %s server is asked on although a later call of the same client has ended',
  async (server) => {
    await using scene = await startAskingScene(server);
    const first = Promise.withResolvers<void>();
    const answer = async (question: Heard) => {
      if (question.params['message'] === 'One?') await first.promise;
      return accept('ada', question);
    };
    await using client = await connectAsked('legacy', scene.gateway, { name: 'ada', answer });
    const long = client.run('tools/call', 'rounds');
    await waitFor(() => client.heard.length === 1, 'the first question');
    await client.run('tools/call', 'form');
    first.resolve();
    expect(JSON.parse(await long)).toHaveLength(3);
  },
);

/** The tools that a client with these capabilities sees. */
async function toolsFor(
  gateway: GatewayAccess,
  era: ClientEra,
  capabilities: Record<string, unknown>,
): Promise<string[]> {
  const { reply } =
    era === 'modern'
      ? await postModern(gateway, 'tools/list', {}, { capabilities })
      : await (await openSession(gateway, {}, capabilities)).request('tools/list');
  const tools = reply.result?.['tools'] as { name: string }[] | undefined;
  return (tools ?? []).map(({ name }) => name);
}

test('clients see the tools that the server offers to each of them, whoever came first', async () => {
  await using gateway = await startGateway();
  const stdio_config = everythingServer();
  await gateway.createClient({ name: 'c1', connection_type: 'stdio', stdio_config, tools_to_execute: ['*'] });
  const special = ['c1-trigger-elicitation-request', 'c1-trigger-sampling-request', 'c1-get-roots-list'];
  const seen = async (era: ClientEra, capabilities: Record<string, unknown>) => {
    const tools = await toolsFor(gateway, era, capabilities);
    expect(tools).toContain('c1-echo');
    return special.filter((name) => tools.includes(name));
  };
  for (const [era, other] of [ERAS, ERAS.toReversed()] as [ClientEra, ClientEra][]) {
    expect(await seen(era, {})).toEqual([]);
    expect(await seen(other, ASKABLE)).toEqual(special);
    expect(await seen(era, { elicitation: {} })).toEqual(['c1-trigger-elicitation-request']);
    expect(await seen(other, { sampling: {} })).toEqual(['c1-trigger-sampling-request']);
    expect(await seen(era, {})).toEqual([]);
  }
  // What is not seen cannot be called either.
  const call = { name: 'c1-trigger-sampling-request', arguments: { prompt: 'x' } };
  expect((await postModern(gateway, 'tools/call', call)).reply.error?.code).toBe(-32_602);
});
