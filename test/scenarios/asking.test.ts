import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ASK_SCRIPTS, ASKING_METHODS, type Question } from '../kit/ask-scripts.ts';
import { accept, connectAsked, type AskedClient } from '../kit/asked-clients.ts';
import { ASKING_SERVERS, startAskingScene, type AskingScene } from '../kit/asking-scene.ts';

const pairs = (['legacy', 'modern'] as const).flatMap((client) => ASKING_SERVERS.map((server) => ({ client, server })));

describe.for(pairs)('a $client client of a $server server', ({ client: era, server }) => {
  let scene: AskingScene;
  let client: AskedClient;

  beforeAll(async () => {
    scene = await startAskingScene(server);
    client = await connectAsked(era, scene.gateway, { name: 'ada' });
  });
  afterAll(async () => {
    await client[Symbol.asyncDispose]();
    await scene[Symbol.asyncDispose]();
  });

  const scripts = [
    'form',
    'url',
    'sampling',
    'sampling-with-tools',
    'roots',
    'several',
    'rounds',
    'later',
    'insists',
  ] as const;
  const cases = ASKING_METHODS.flatMap((method) => scripts.map((script) => ({ method, script })));

  test.for(cases)('is asked by $method: $script', async ({ method, script }) => {
    const before = client.heard.length;
    const { rounds }: { rounds: readonly (readonly Question[])[] } = ASK_SCRIPTS[script];
    const said = await client.run(method, script);
    const answers = rounds.map((round) => round.map(({ method, params = {} }) => accept('ada', { method, params })));
    expect(JSON.parse(said)).toEqual(answers);
    // Each question came once, and as the server put it.
    const heard = client.heard.slice(before);
    expect(heard).toHaveLength(rounds.flat().length);
    for (const { method, params = {} } of rounds.flat())
      expect(heard).toContainEqual({ method, params: expect.objectContaining(params) });
  });
});
