import { expect, test } from 'vitest';
import { newPostgresUrl } from '../../test/kit/databases.ts';
import { runInTurn, runUnlessRunning } from './alone.ts';
import { connect } from './database.ts';

/** Two processes on one PostgreSQL, as far as their locks are concerned. */
async function twoNodes() {
  const config = { url: await newPostgresUrl(), max_open_conns: 1 };
  const nodes = [await connect({ type: 'postgres', config }), await connect({ type: 'postgres', config })] as const;
  return {
    nodes: [nodes[0].dialect, nodes[1].dialect] as const,
    [Symbol.asyncDispose]: async () => void (await Promise.all(nodes.map(({ db }) => db.destroy()))),
  };
}

test('of two nodes one runs the work, and the other leaves it', async () => {
  await using two = await twoNodes();
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
  await using two = await twoNodes();
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

test('on SQLite, where there are no others, the work always runs', async () => {
  const { db, dialect } = await connect({ type: 'sqlite', path: ':memory:' });
  expect(await runUnlessRunning(dialect, 'retention', async () => {})).toBe(true);
  expect(await runInTurn(dialect, 'start', async () => 7)).toBe(7);
  await db.destroy();
});
