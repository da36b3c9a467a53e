import { expect, test } from 'vitest';
import { otherCaller } from '../kit/by-hand.ts';
import { openRawStream, type RawStream } from '../kit/raw-stream.ts';
import { startScene } from '../kit/scene.ts';
import { waitFor } from '../kit/wait.ts';
import { openSession } from '../kit/wire.ts';

/** A call of the tool that reports three steps. */
const slow = {
  jsonrpc: '2.0',
  id: 'slow',
  method: 'tools/call',
  params: { name: 'c1-slow', arguments: { ms: 90 }, _meta: { progressToken: 'p' } },
};

const stepsOf = (...streams: RawStream[]) =>
  streams
    .flatMap(({ events }) => events.map(({ message }) => message?.params?.['progress']))
    .filter((step) => step !== undefined);
const repliesIn = (...streams: RawStream[]) =>
  streams.flatMap(({ events }) => events.filter(({ message }) => message?.id === 'slow'));
const lastId = ({ events }: RawStream) => events.at(-1)?.id ?? '';

test('a call goes on when its connection is cut, and what was missed comes once', async () => {
  await using scene = await startScene();
  const { headers } = await openSession(scene.gateway);
  for (const cutAfter of [1, 2, 3]) {
    const first = await openRawStream(scene.gateway, { headers, body: slow });
    await waitFor(() => stepsOf(first).length >= cutAfter, 'progress');
    await first.cut();
    const second = await openRawStream(scene.gateway, { headers, lastEventId: lastId(first) });
    expect(second.status).toBe(200);
    await waitFor(() => repliesIn(first, second).length > 0, 'the reply');
    await waitFor(() => first.ended && (second.ended || repliesIn(first).length > 0), 'the stream to end');
    expect(stepsOf(first, second)).toEqual([1, 2, 3]);
    expect(repliesIn(first, second)).toHaveLength(1);
    const ids = [...first.events, ...second.events].map(({ id }) => id);
    expect(new Set(ids).size).toBe(ids.length);
    await second.cut();
  }
  expect(scene.upstream.countCalls()).toBe(3);
});

test('a stream can be taken up again and again, from its first event on, which carries nothing', async () => {
  await using scene = await startScene();
  const { headers } = await openSession(scene.gateway);
  const body = { ...slow, params: { ...slow.params, arguments: { ms: 300 } } };
  const first = await openRawStream(scene.gateway, { headers, body });
  await waitFor(() => first.events.length > 0, 'the first event');
  expect(first.events[0]).toMatchObject({ message: undefined, id: expect.stringMatching(/./) });
  await first.cut();
  const streams = [first];
  while (repliesIn(...streams).length === 0) {
    const before = streams.at(-1);
    const known = streams.flatMap(({ events }) => events).at(-1)?.id ?? '';
    const next = await openRawStream(scene.gateway, { headers, lastEventId: known });
    expect(before?.ended).toBe(true);
    await waitFor(() => next.events.length > 0 || next.ended, 'an event');
    await next.cut();
    streams.push(next);
  }
  expect(stepsOf(...streams)).toEqual([1, 2, 3]);
  expect(repliesIn(...streams)).toHaveLength(1);
});

test('what was sent while nobody read comes when somebody does, and the stream ends', async () => {
  await using scene = await startScene();
  const { headers } = await openSession(scene.gateway);
  const first = await openRawStream(scene.gateway, { headers, body: slow });
  await waitFor(() => stepsOf(first).length > 0, 'progress');
  const from = first.events[0]?.id ?? '';
  await first.cut();
  const host = scene.upstream.host;
  await waitFor(() => host.calls.length === 1 && host.finished === 1, 'the call to end');
  for (const attempt of ['first', 'second']) {
    const again = await openRawStream(scene.gateway, { headers, lastEventId: from });
    await waitFor(() => again.ended, `the ${attempt} stream to end`);
    expect(stepsOf(again)).toEqual([1, 2, 3]);
    expect(repliesIn(again)).toHaveLength(1);
  }
});

test('a stream is taken up by its own session alone, and an unknown event begins a new stream', async () => {
  await using scene = await startScene();
  const { headers } = await openSession(scene.gateway);
  const first = await openRawStream(scene.gateway, { headers, body: slow });
  await waitFor(() => repliesIn(first).length > 0, 'the reply');
  const known = first.events[0]?.id ?? '';
  const sibling = await openSession(scene.gateway);
  const stranger = await otherCaller(scene.gateway);
  const own = await openSession(stranger);
  const others = [
    await openRawStream(scene.gateway, { headers: sibling.headers, lastEventId: known }),
    await openRawStream(stranger, { headers: own.headers, lastEventId: known }),
    await openRawStream(scene.gateway, { headers, lastEventId: 'nonsense' }),
    await openRawStream(scene.gateway, { headers, lastEventId: `${known}99` }),
  ];
  expect((await openRawStream(stranger, { headers, lastEventId: known })).status).toBe(404);
  await scene.upstream.addTool('new');
  for (const stream of others) {
    expect(stream.status).toBe(200);
    expect([...stepsOf(stream), ...repliesIn(stream)]).toEqual([]);
    expect(stream.ended).toBe(false);
    await stream.cut();
  }
});

test.for(['2025-03-26', '2025-06-18'])(
  'the stream of a call in a session of %s begins with no event that its client cannot read',
  async (version) => {
    await using scene = await startScene();
    const { headers } = await openSession(scene.gateway, {}, {}, version);
    const stream = await openRawStream(scene.gateway, { headers, body: slow });
    await waitFor(() => stream.ended, 'the end');
    for (const { message } of stream.events) expect(message).toBeDefined();
    expect(stepsOf(stream)).toEqual([1, 2, 3]);
    expect(repliesIn(stream)).toHaveLength(1);
  },
);
