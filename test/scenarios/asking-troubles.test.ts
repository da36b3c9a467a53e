import { describe, expect, test } from 'vitest';
import { ASKING_METHODS, NOBODY_TO_ASK, SCRIPT_ERROR } from '../kit/ask-scripts.ts';
import { accept, connectAsked, Refusal, type Heard } from '../kit/asked-clients.ts';
import { ASKING_SERVERS, startAskingScene } from '../kit/asking-scene.ts';

const pairs = (['legacy', 'modern'] as const).flatMap((client) => ASKING_SERVERS.map((server) => ({ client, server })));

describe.for(pairs)('a $client client of a $server server', ({ client: era, server }) => {
  test('may decline and cancel', async () => {
    await using scene = await startAskingScene(server);
    for (const action of ['decline', 'cancel']) {
      await using client = await connectAsked(era, scene.gateway, { name: 'ada', answer: () => ({ action }) });
      for (const method of ASKING_METHODS) {
        expect(JSON.parse(await client.run(method, 'form'))).toEqual([[{ action }]]);
        expect(JSON.parse(await client.run(method, 'url'))).toEqual([[{ action }]]);
      }
    }
  });

  test('hears the error of a server that fails after the answer', async () => {
    await using scene = await startAskingScene(server);
    await using client = await connectAsked(era, scene.gateway, { name: 'ada' });
    for (const method of ASKING_METHODS) {
      const error = await client.run(method, 'fails-after').catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ code: SCRIPT_ERROR.code, data: SCRIPT_ERROR.data });
      expect(String(error)).toContain(SCRIPT_ERROR.message);
    }
    expect(client.heard).toHaveLength(ASKING_METHODS.length);
  });

  test('may answer with an error, and go on', async () => {
    await using scene = await startAskingScene(server);
    let isWilling = false;
    const answer = (question: Heard) => {
      if (!isWilling) throw new Refusal('not today');
      return accept('ada', question);
    };
    await using client = await connectAsked(era, scene.gateway, { name: 'ada', answer });
    for (const method of ASKING_METHODS) {
      isWilling = false;
      const outcome = await client.run(method, 'form').catch((error: unknown) => String(error));
      // A server of the older revisions is told of the error; a modern one never hears of the request again.
      if (era === 'legacy' && server !== 'modern http') expect(outcome).toContain('4242');
      expect(outcome).toContain('not today');
      isWilling = true;
      expect(JSON.parse(await client.run(method, 'form'))).toEqual([[{ action: 'accept', content: { name: 'ada' } }]]);
    }
  });

  test('is not asked what it cannot do', async () => {
    await using scene = await startAskingScene(server);
    for (const capabilities of [{}, { roots: {} }, { elicitation: {} }]) {
      await using client = await connectAsked(era, scene.gateway, { name: 'ada', capabilities });
      for (const method of ASKING_METHODS) {
        expect(await client.run(method, 'url')).toBe(NOBODY_TO_ASK);
        expect(await client.run(method, 'sampling')).toBe(NOBODY_TO_ASK);
        const roots = await client.run(method, 'roots');
        if ('roots' in capabilities) expect(roots).toContain('file:///home/ada');
        else expect(roots).toBe(NOBODY_TO_ASK);
      }
    }
  });

  test('is told at once when a server insists on asking one who cannot answer', async () => {
    await using scene = await startAskingScene(server);
    for (const capabilities of [{}, { roots: {} }]) {
      await using client = await connectAsked(era, scene.gateway, { name: 'ada', capabilities });
      for (const method of ASKING_METHODS) {
        const outcome = await client.run(method, 'insists').catch((error: { code: number }) => error);
        if (typeof outcome === 'string') expect(outcome).toContain('-32601');
        else expect([-32_021, -32_602, -32_603]).toContain(outcome.code);
      }
      expect(client.heard).toEqual([]);
    }
  });
});
