import { expect, test } from 'vitest';
import { ask, askResult, rejection } from '../../../../test/kit/connection-peer.ts';
import { pidOf, seenBy, startTestHost, type HostedConnection } from '../../../../test/kit/stdio-host.ts';

/** Requests that are never answered, and the ids of those that were cancelled. */
const HOLD = `
  const cancelled = [];
  on('hold', ({ id }) => note('hold'));
  on('notifications/cancelled', ({ params }) => cancelled.push(params.requestId));
  on('cancelled', ({ id }) => write({ id, result: { cancelled } }));
`;

const cancelledBy = async ({ connection }: HostedConnection) =>
  (await askResult(connection, { method: 'cancelled' }))['cancelled'] as number[];

test('connections share one process that shakes hands once, and each gets its own answers', async () => {
  await using host = await startTestHost();
  const all = await Promise.all([host.join(), host.join(), host.join()] as const);
  expect(new Set(await Promise.all(all.map(pidOf))).size).toBe(1);
  const texts = all.flatMap((_, index) => Array.from({ length: 200 }, (_, n) => `${index} ${n} ä€😀`));
  const answers = texts.map(async (text) => {
    const { connection } = all[Number(text[0])] ?? all[0];
    return (await askResult(connection, { method: 'echo', params: { text } }))['text'];
  });
  expect(await Promise.all(answers)).toEqual(texts);
  expect(await seenBy(all[0])).toEqual({ initialize: 1, initialized: 1 });
});

test('a later connection is told what the server speaks, and gets the same introduction', async () => {
  await using host = await startTestHost();
  const first = await host.join();
  expect(first.connection.shared?.version).toBeUndefined();
  const second = await host.join();
  expect(second.connection.shared).toMatchObject({ version: '2025-11-25', number: first.connection.shared?.number });
});

test('another environment, command line or server id is another process', async () => {
  await using host = await startTestHost();
  const all = [await host.join(), await host.join({ env: { KEY: 'a' } }), await host.join({ id: 'other' })];
  expect(new Set(await Promise.all(all.map(pidOf))).size).toBe(3);
  expect(await pidOf(await host.join({ env: { KEY: 'a' } }))).toBe(await pidOf(all[1] as HostedConnection));
});

test('progress, cancellation and subscriptions belong to one connection, other news to all', async () => {
  await using host = await startTestHost(`${HOLD}
    on('work', ({ id, params }) => {
      write({ method: 'notifications/progress', params: { progressToken: params._meta.progressToken, progress: params.n } });
      write({ id, result: {} });
    });
    const listening = [];
    on('subscriptions/listen', ({ id }) => listening.push(id));
    on('news', ({ id }) => {
      for (const subscription of listening)
        write({ method: 'own', params: { _meta: { 'io.modelcontextprotocol/subscriptionId': subscription } } });
      write({ method: 'common' });
      write({ id, result: {} });
    });
  `);
  const first = await host.join();
  const second = await host.join();
  const heard: string[] = [];
  const work = ({ connection }: HostedConnection, n: number) =>
    ask(connection, {
      method: 'work',
      params: { n },
      onNotification: ({ params }) => heard.push(`${n}: ${JSON.stringify(params?.['progress'])}`),
    });
  await Promise.all([work(first, 1), work(second, 2), work(first, 3)]);
  expect(heard.toSorted()).toEqual(['1: 1', '2: 2', '3: 3']);
  expect([...first.events.notifications, ...second.events.notifications]).toEqual([]);

  const caller = new AbortController();
  const held = ask(second.connection, { method: 'hold', signal: caller.signal });
  const id = second.connection.nextId() - 1;
  caller.abort();
  await rejection(held, 'call_cancelled');
  expect(await cancelledBy(second)).toEqual([id]);

  for (const { connection } of [first, second]) ask(connection, { method: 'subscriptions/listen' }).catch(() => {});
  await askResult(first.connection, { method: 'echo' });
  await askResult(second.connection, { method: 'news' });
  await askResult(first.connection, { method: 'echo' });
  for (const { events } of [first, second])
    expect(events.notifications.map(({ method }) => method)).toEqual(['own', 'common']);
});

test('the server is answered for all when it asks whether anybody is there, and refused all else', async () => {
  await using host = await startTestHost(`
    const answers = [];
    on(undefined, ({ id, result, error }) => answers.push([id, result ?? error.code]));
    on('ask', ({ id }) => {
      write({ id: 'p', method: 'ping' });
      write({ id: 'e', method: 'roots/list' });
      write({ id, result: {} });
    });
    on('answers', ({ id }) => write({ id, result: { answers } }));
  `);
  const first = await host.join();
  const second = await host.join();
  await askResult(second.connection, { method: 'ask' });
  const expected = [
    ['p', {}],
    ['e', -32_601],
  ];
  await expect
    .poll(async () => (await askResult(first.connection, { method: 'answers' }))['answers'])
    .toEqual(expected);
  expect([...first.events.requests, ...second.events.requests]).toEqual([]);
});

test('a resource is subscribed to once, and until nobody wants it', async () => {
  await using host = await startTestHost(`
    const uris = [];
    on('resources/subscribe', ({ id, params: { uri } }) => {
      uris.push('+' + uri);
      write(uri === 'bad' ? { id, error: { code: -1, message: 'no' } } : { id, result: {} });
    });
    on('resources/unsubscribe', ({ id, params: { uri } }) => { uris.push('-' + uri); write({ id, result: {} }); });
    on('uris', ({ id }) => write({ id, result: { uris } }));
  `);
  const [a, b, c] = [await host.join(), await host.join(), await host.join()];
  const subscribe = ({ connection }: HostedConnection, uri: string) =>
    ask(connection, { method: 'resources/subscribe', params: { uri } });
  const unsubscribe = ({ connection }: HostedConnection, uri: string) =>
    askResult(connection, { method: 'resources/unsubscribe', params: { uri } });
  const uris = async () => (await askResult(a.connection, { method: 'uris' }))['uris'];
  await subscribe(a, 'x');
  for (const each of [b, c, c]) expect(await subscribe(each, 'x')).toMatchObject({ kind: 'result' });
  expect(await unsubscribe(a, 'x')).toEqual({});
  await b.connection.close();
  expect(await uris()).toEqual(['+x']);
  await c.connection.close();
  await expect.poll(uris).toEqual(['+x', '-x']);
  // One that was refused is asked for again.
  for (let round = 0; round < 2; round += 1) expect(await subscribe(a, 'bad')).toMatchObject({ kind: 'error' });
  await subscribe(a, 'y');
  expect(await unsubscribe(a, 'y')).toEqual({});
  expect(await uris()).toEqual(['+x', '-x', '+bad', '+bad', '+y', '-y']);
});

test('the server logs as much as the connection that wants most', async () => {
  await using host = await startTestHost(`
    const levels = [];
    on('logging/setLevel', ({ id, params: { level } }) => { levels.push(level); write({ id, result: {} }); });
    on('levels', ({ id }) => write({ id, result: { levels } }));
  `);
  const [a, b] = [await host.join(), await host.join()];
  const set = ({ connection }: HostedConnection, level: string) =>
    askResult(connection, { method: 'logging/setLevel', params: { level } });
  const levels = async () => (await askResult(a.connection, { method: 'levels' }))['levels'];
  await set(a, 'warning');
  await set(b, 'error');
  await set(b, 'info');
  await set(a, 'notice');
  expect(await levels()).toEqual(['warning', 'info']);
  await b.connection.close();
  await expect.poll(levels).toEqual(['warning', 'info', 'notice']);
});

test('what a connection leaves unanswered is cancelled, and nothing of the others', async () => {
  await using host = await startTestHost(HOLD);
  const [staying, leaving] = [await host.join(), await host.join()];
  const held = [leaving, leaving, staying].map(({ connection }) => {
    const reply = ask(connection, { method: 'hold' });
    reply.catch(() => {});
    return { reply, id: connection.nextId() - 1 };
  });
  await expect.poll(() => seenBy(staying)).toMatchObject({ hold: 3 });
  const caller = new AbortController();
  ask(leaving.connection, { method: 'hold', signal: caller.signal }).catch(() => {});
  const givenUp = leaving.connection.nextId() - 1;
  caller.abort();
  await leaving.connection.close();
  await rejection(held[0]?.reply ?? Promise.resolve(), 'upstream_lost');
  // What was cancelled before is not cancelled again.
  await expect.poll(() => cancelledBy(staying)).toEqual([givenUp, held[0]?.id, held[1]?.id]);
});

test('ids stay small, never repeat, and do not run out', async () => {
  await using host = await startTestHost();
  const [a, b] = [await host.join(), await host.join()];
  const used = new Set<number>();
  for (let n = 0; n < 150_000; n += 1) {
    const { connection } = n % 3 === 0 ? b : a;
    const id = connection.nextId();
    expect(used.has(id)).toBe(false);
    used.add(id);
    if (n % 20_000 < 3) await askResult(connection, { method: 'echo' });
  }
  expect(Math.max(...[...used].slice(-2))).toBeLessThan(2 ** 19);
});
