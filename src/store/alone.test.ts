import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { newPostgresUrl } from '../../test/kit/databases.ts';
import { SHARED } from '../../test/kit/shared.ts';
import { joinExchange } from '../../test/kit/siblings.ts';
import { temporaryFolder } from '../../test/kit/temporary-folder.ts';
import { runInTurn, runUnlessRunning } from './alone.ts';
import { connect } from './database.ts';
import { createExchange } from './exchange.ts';

/** Two processes on one database, as far as their locks are concerned. */
async function twoNodes(type: (typeof SHARED)[number]) {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder());
  const exchange = createExchange();
  const config = type === 'file' ? undefined : { url: await newPostgresUrl(), max_open_conns: 1 };
  const open = async () => {
    const path = join(folder.path, 'asbru.db');
    const { db, dialect } = await connect(
      config === undefined ? { type: 'sqlite', path, siblings: joinExchange(exchange) } : { type: 'postgres', config },
    );
    stack.defer(() => db.destroy());
    return dialect;
  };
  return { nodes: [await open(), await open()] as const, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

describe.each(SHARED)('on %s', (type) => {
  test('of two nodes one runs the work, and the other leaves it', async () => {
    await using two = await twoNodes(type);
    const [a, b] = two.nodes;
    const runs: string[] = [];
    const end = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const first = runUnlessRunning(a, 'oauth', () => {
      begun.resolve();
      return end.promise;
    });
    await begun.promise;
    expect(await runUnlessRunning(b, 'oauth', async () => runs.push('b'))).toBe(false);
    expect(await runUnlessRunning(b, 'expiry', async () => runs.push('other work'))).toBe(true);
    end.resolve();
    expect(await first).toBe(true);
    expect(await runUnlessRunning(b, 'oauth', async () => runs.push('b later'))).toBe(true);
    expect(runs).toEqual(['other work', 'b later']);
  });

  test('who waits for its turn runs when the other is done, also when that failed', async () => {
    await using two = await twoNodes(type);
    const [a, b] = two.nodes;
    const end = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    const order: string[] = [];
    const first = runInTurn(a, 'start', () => {
      begun.resolve();
      return end.promise.finally(() => order.push('a'));
    });
    await begun.promise;
    const second = runInTurn(b, 'start', async () => order.push('b'));
    end.reject(new Error('could not start'));
    await expect(first).rejects.toThrow('could not start');
    await second;
    expect(order).toEqual(['a', 'b']);
  });

  test('a lock may have a name, which is not that of another', async () => {
    await using two = await twoNodes(type);
    const [a, b] = two.nodes;
    const held = await a.lock('token 1', false);
    expect(await b.lock('token 1', false)).toBeUndefined();
    await using _other = await b.lock('token 2', true);
    await held?.[Symbol.asyncDispose]();
    await using _same = await b.lock('token 1', true);
  });
});

test('where there are no others, the work always runs', async () => {
  const { db, dialect } = await connect({ type: 'sqlite', path: ':memory:' });
  expect(await runUnlessRunning(dialect, 'retention', async () => {})).toBe(true);
  expect(await runInTurn(dialect, 'start', async () => 7)).toBe(7);
  await db.destroy();
});
