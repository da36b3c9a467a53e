import { expect, test, vi } from 'vitest';
import { createTurns, type Turn } from './turns.ts';

/** What has come so far. */
function follow(turns: Readonly<Record<string, Turn>>): string[] {
  const come: string[] = [];
  for (const [name, { ready }] of Object.entries(turns)) {
    if (ready === undefined) come.push(name);
    else void ready.then(() => come.push(name));
  }
  return come;
}

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('only so many have a turn at once; the next one comes when one ends', async () => {
  const turns = createTurns({ places: 2, longestMs: 60_000 });
  const [a, b, c, d] = [turns.take(), turns.take(), turns.take(), turns.take()];
  const come = follow({ a, b, c, d });
  await settle();
  expect(come).toEqual(['a', 'b']);
  a.end();
  a.end();
  await settle();
  expect(come).toEqual(['a', 'b', 'c']);
  b.end();
  await settle();
  expect(come).toEqual(['a', 'b', 'c', 'd']);
});

test('whoever is in a hurry comes before those who waited longer', async () => {
  const turns = createTurns({ places: 1, longestMs: 60_000 });
  const [a, b, c] = [turns.take(), turns.take(), turns.take()];
  const come = follow({ a, b, c });
  c.hurry();
  a.end();
  await settle();
  expect(come).toEqual(['a', 'c']);
  c.end();
  await settle();
  expect(come).toEqual(['a', 'c', 'b']);
});

test('a turn that takes too long holds nobody up, and counts no second time when it ends', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  try {
    const turns = createTurns({ places: 1, longestMs: 100 });
    const [a, b, c] = [turns.take(), turns.take(), turns.take()];
    const come = follow({ a, b, c });
    vi.advanceTimersByTime(100);
    await settle();
    expect(come).toEqual(['a', 'b']);
    a.end();
    await settle();
    expect(come).toEqual(['a', 'b']);
  } finally {
    vi.useRealTimers();
  }
});

test('a turn that is given up before it came is nobody’s place', async () => {
  const turns = createTurns({ places: 1, longestMs: 60_000 });
  const [a, b, c] = [turns.take(), turns.take(), turns.take()];
  const come = follow({ a, c });
  b.end();
  a.end();
  await settle();
  expect(come).toEqual(['a', 'c']);
});
