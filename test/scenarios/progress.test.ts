import { describe, expect, test } from 'vitest';
import { ASKABLE } from '../kit/asked-clients.ts';
import { LIVELY_SERVERS, startLivelyScene, type LivelyScene } from '../kit/lively-scene.ts';
import { openSession, postModern, type LegacySession, type RpcAnswer } from '../kit/wire.ts';

const pairs = (['legacy', 'modern'] as const).flatMap((client) =>
  LIVELY_SERVERS.flatMap((server) => [{}, ASKABLE].map((capabilities) => ({ client, server, capabilities }))),
);
const STEPS = 20;

/** Calls the tool that reports progress, under this token. */
function callSteps(
  { gateway }: LivelyScene,
  session: LegacySession | undefined,
  token: unknown,
  capabilities: object,
): Promise<RpcAnswer> {
  const _meta = token === undefined ? {} : { progressToken: token };
  const params = { name: 'c1-steps', arguments: { count: STEPS }, _meta };
  return session === undefined
    ? postModern(gateway, 'tools/call', params, { capabilities: { ...capabilities } })
    : session.request('tools/call', params);
}

describe.for(pairs)(
  'progress of a $server server for a $client client that can do $capabilities',
  ({ client, server, capabilities }) => {
    test('comes under the token of the client, in order, before the reply', async () => {
      await using scene = await startLivelyScene(server);
      const open = () => (client === 'legacy' ? openSession(scene.gateway, {}, { ...capabilities }) : undefined);
      // The same tokens in two sessions, and several in one, at the same time.
      const [first, second] = [await open(), await open()];
      const cases = [
        [first, 'token'],
        [first, 1],
        [first, 0],
        [second, 'token'],
        [second, 'Ünïcödé 🌈'],
        [second, undefined],
      ] as const;
      const answers = await Promise.all(
        cases.map(([session, token]) => callSteps(scene, session, token, capabilities)),
      );
      for (const [index, { messages, reply }] of answers.entries()) {
        const token = cases[index]?.[1];
        expect(reply.result).toMatchObject({ content: [{ text: `${STEPS} steps` }] });
        const steps = messages
          .slice(0, -1)
          .map(({ method, params }) => [method, params?.['progressToken'], params?.['progress'], params?.['message']]);
        const wanted = Array.from({ length: STEPS }, (_, step) => [
          'notifications/progress',
          token,
          step + 1,
          `step ${step + 1}`,
        ]);
        expect(steps).toEqual(token === undefined ? [] : wanted);
      }
    });
  },
);
