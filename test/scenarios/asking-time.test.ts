import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { ASKING_METHODS } from '../kit/ask-scripts.ts';
import { accept, ASKABLE, connectAsked, type Heard } from '../kit/asked-clients.ts';
import { ASKING_SERVERS, startAskingScene } from '../kit/asking-scene.ts';
import { waitFor } from '../kit/wait.ts';
import { openSession } from '../kit/wire.ts';

const pairs = (['legacy', 'modern'] as const).flatMap((client) => ASKING_SERVERS.map((server) => ({ client, server })));

test.for(pairs.filter(({ server }) => server !== 'legacy stdio'))(
  'the time that a user takes does not count for a $client client of a $server server',
  async ({ client: era, server }) => {
    await using scene = await startAskingScene(server);
    await scene.gateway.update(scene.id, { tool_execution_timeout: 1 });
    const answer = async (question: Heard) => {
      // One of several questions is answered late, when the others are long settled.
      if (question.params['message'] === 'Second?') await sleep(1_300);
      return accept('ada', question);
    };
    await using client = await connectAsked(era, scene.gateway, { name: 'ada', answer });
    expect(JSON.parse(await client.run('tools/call', 'several'))).toHaveLength(1);
    // The limit itself is still there.
    expect(JSON.parse(await client.run('prompts/get', 'rounds'))).toHaveLength(3);
  },
);

test.for(ASKING_SERVERS)('a legacy client that never answers does not hold a %s server', async (server) => {
  await using scene = await startAskingScene(server, { timing: { answerMs: 50 } });
  const session = await openSession(scene.gateway, {}, ASKABLE);
  for (const method of ASKING_METHODS) {
    const params = method === 'resources/read' ? { uri: 'ask://form' } : { name: 'c1-form' };
    const { reply, messages } = await session.request(method, params);
    expect(messages[0]?.method).toBe('elicitation/create');
    // The older server is told, and may go on without; the modern one is never asked again.
    if (server === 'modern http') expect(reply.error).toMatchObject({ code: -32_603 });
    else expect(JSON.stringify(reply.result)).toContain('refused');
    // An answer that comes too late is taken for nothing.
    const late = { jsonrpc: '2.0', id: messages[0]?.id ?? '', result: { action: 'accept', content: {} } };
    await waitFor(async () => (await session.post(late)).status === 202, 'the late answer to be taken');
  }
});
