import { describe, expect, test } from 'vitest';
import { ASKABLE } from '../kit/asked-clients.ts';
import { listenLegacy } from '../kit/listeners.ts';
import { startLivelyScene } from '../kit/lively-scene.ts';
import { waitFor } from '../kit/wait.ts';
import { postModern, type RpcMessage } from '../kit/wire.ts';

const LEVEL = 'io.modelcontextprotocol/logLevel';
const ALL = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'];

const linesIn = (messages: readonly RpcMessage[]) =>
  messages.filter(({ method }) => method === 'notifications/message');
const levelsIn = (messages: readonly RpcMessage[]) => linesIn(messages).map(({ params }) => params?.['level']);
const call = (words: string) => ({ name: 'c1-log', arguments: { levels: ALL, words } });

describe.for([{}, ASKABLE])('clients that can do %j', (capabilities) => {
  test.for(['legacy http', 'modern http'] as const)(
    'hear the log lines of their own calls on a %s server at their own level',
    async (server) => {
      await using scene = await startLivelyScene(server);
      const { gateway } = scene;
      await using warned = await listenLegacy(gateway, capabilities);
      await using chatty = await listenLegacy(gateway, capabilities);
      await using silent = await listenLegacy(gateway, capabilities);
      expect((await warned.session.request('logging/setLevel', { level: 'warning' })).reply.result).toEqual({});
      expect((await chatty.session.request('logging/setLevel', { level: 'debug' })).reply.result).toEqual({});
      const own = await warned.session.request('tools/call', call('of warned'));
      await waitFor(() => own.messages.length + warned.stream.messages.length > ALL.indexOf('warning'), 'the lines');
      expect(levelsIn([...own.messages, ...warned.stream.messages])).toEqual(ALL.slice(ALL.indexOf('warning')));
      const quiet = await silent.session.request('tools/call', call('of silent'));
      const loud = await chatty.session.request('tools/call', call('of chatty'));
      expect(levelsIn([...loud.messages, ...chatty.stream.messages])).toEqual(ALL);
      // What is said in a call is for its caller alone.
      expect(JSON.stringify([quiet.messages, silent.stream.messages])).not.toMatch(/of (warned|chatty)/);
      expect(JSON.stringify([loud.messages, chatty.stream.messages])).not.toContain('of warned');
      expect(JSON.stringify([own.messages, warned.stream.messages])).not.toMatch(/of (chatty|silent)/);
    },
  );

  test.for(['legacy http', 'modern http'] as const)(
    'ask for log lines of a %s server in each modern request',
    async (server) => {
      await using scene = await startLivelyScene(server);
      const { gateway } = scene;
      for (const extra of [{}, { progressToken: 'p' }]) {
        const _meta = { ...extra, [LEVEL]: 'error' };
        const asked = await postModern(
          gateway,
          'tools/call',
          { ...call('x'), _meta },
          { capabilities: { ...capabilities } },
        );
        expect(levelsIn(asked.messages)).toEqual(ALL.slice(ALL.indexOf('error')));
        const silent = await postModern(
          gateway,
          'tools/call',
          { ...call('x'), _meta: extra },
          { capabilities: { ...capabilities } },
        );
        expect(levelsIn(silent.messages)).toEqual([]);
        expect(silent.reply.result).toBeDefined();
      }
    },
  );
});

test('the level of a session is checked, and asked of the server', async () => {
  await using scene = await startLivelyScene('legacy http');
  await using client = await listenLegacy(scene.gateway);
  for (const params of [{}, { level: 'loud' }, { level: 3 }])
    expect((await client.session.request('logging/setLevel', params)).reply.error?.code).toBe(-32_602);
  expect(scene.host?.methods).not.toContain('logging/setLevel');
  await client.session.request('logging/setLevel', { level: 'info' });
  await waitFor(() => scene.host?.methods.includes('logging/setLevel'), 'the server to be told');
});
