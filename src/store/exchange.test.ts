import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { joinExchange } from '../../test/kit/siblings.ts';
import { createExchange, type Exchange } from './exchange.ts';
import { createSiblings } from './siblings.ts';

const turn = () => new Promise((resolve) => setTimeout(resolve, 10));

test('a message reaches all others who hear its channel, in the order in which it was sent', async () => {
  const exchange = createExchange();
  const [a, b, c] = [joinExchange(exchange), joinExchange(exchange), joinExchange(exchange)];
  const heard: string[] = [];
  const note = (name: string) => (message: object) => void heard.push(`${name} ${JSON.stringify(message)}`);
  a.hear('news', note('a'));
  const stop = b.hear('news', note('b'));
  c.hear('other', note('c'));
  await a.send('news', { n: 1 });
  await a.send('news', { n: 2 });
  await b.send('other', {});
  await turn();
  expect(heard).toEqual(['b {"n":1}', 'b {"n":2}', 'c {}']);
  stop();
  await c.send('news', { n: 3 });
  await turn();
  expect(heard.slice(3)).toEqual(['a {"n":3}']);
});

test('messages of other kinds on the same channel are nobody’s business here', async () => {
  const listeners: ((message: unknown) => void)[] = [];
  createExchange().add({
    send: () => expect.unreachable(),
    on: (event, listener) => event === 'message' && listeners.push(listener),
  });
  for (const message of [undefined, null, 'text', {}, { kind: 'worker_serves' }, { do: 'send', channel: 'x' }])
    for (const listener of listeners) listener(message);
  expect(listeners).toHaveLength(1);
});

describe('a lock', () => {
  test('is had by one at a time, in the order in which they came', async () => {
    const exchange = createExchange();
    const [a, b, c] = [joinExchange(exchange), joinExchange(exchange), joinExchange(exchange)];
    const order: string[] = [];
    const first = await a.lock('x', true);
    const second = b.lock('x', true).then((lock) => (order.push('b'), lock));
    const third = c.lock('x', true).then((lock) => (order.push('c'), lock));
    expect(await c.lock('x', false)).toBeUndefined();
    await using _free = await c.lock('y', false);
    expect(order).toEqual([]);
    await first?.[Symbol.asyncDispose]();
    await using _second = await second;
    expect(order).toEqual(['b']);
    await _second?.[Symbol.asyncDispose]();
    await using _third = await third;
    expect(order).toEqual(['b', 'c']);
  });

  test('of a process that ended is free, and one that it waited for goes to the next', async () => {
    const exchange = createExchange();
    const [a, b, c] = [joinExchange(exchange), joinExchange(exchange), joinExchange(exchange)];
    await a.lock('x', true);
    void b.lock('x', true);
    const third = c.lock('x', true);
    await turn();
    b.end();
    a.end();
    expect(await third).toBeDefined();
    // What it still had to say comes too late.
    void a.lock('z', true);
    await turn();
    expect(await c.lock('z', false)).toBeDefined();
  });

  test('is refused when there is no supervisor, or none any more', async () => {
    await expect(createSiblings({ on: () => {} }).lock('x', true)).rejects.toThrow('is gone');
    const events = new Map<string, (message: unknown) => void>();
    const port = {
      send: (_message: object, callback: (error: Error | null) => void) => callback(null),
      on: (event: string, listener: (message: unknown) => void) => void events.set(event, listener),
    };
    const locking = createSiblings(port).lock('x', true);
    events.get('disconnect')?.(undefined);
    await expect(locking).rejects.toThrow('is gone');
  });
});

const script = fileURLToPath(new URL('../../test/kit/sibling-process.mjs', import.meta.url));

/** A real process, which takes a lock and tells of it on a channel. */
function startSibling(exchange: Exchange) {
  const child = fork(script, { execArgv: [] });
  exchange.add(child);
  return child;
}

test('processes hear each other, and the lock of one that is killed goes to the next', async () => {
  const exchange = createExchange();
  const us = joinExchange(exchange);
  const holders: number[] = [];
  const news = Promise.withResolvers<void>();
  us.hear('holder', (message) => {
    holders.push((message as { pid: number }).pid);
    if (holders.length === 2) news.resolve();
  });
  const children = [startSibling(exchange), startSibling(exchange)];
  await expect.poll(() => holders.length, { timeout: 10_000 }).toBe(1);
  const first = children.find(({ pid }) => pid === holders[0]);
  first?.kill('SIGKILL');
  await news.promise;
  expect(new Set(holders)).toEqual(new Set(children.map(({ pid }) => pid)));
  for (const child of children.filter((one) => one !== first)) {
    child.disconnect(); // nothing else keeps it
    await once(child, 'exit');
  }
});
