import { expect, test } from 'vitest';
import { runParts } from './run-parts.ts';

const NEVER = new AbortController().signal;

test('a few parts run at once, and their results keep their places however they come', async () => {
  const waiting = new Map<number, (result: number) => void>();
  const running = runParts(
    { count: 20, atOnce: 8 },
    (index) => new Promise<number>((resolve) => waiting.set(index, resolve)),
    NEVER,
  );
  let most = 0;
  while (waiting.size > 0) {
    most = Math.max(most, waiting.size);
    const [index, resolve] = [...waiting].at(-1) ?? [0, () => undefined];
    waiting.delete(index);
    resolve(index);
    await new Promise(setImmediate);
  }
  expect(most).toBe(8);
  expect((await running).results).toEqual(Array.from({ length: 20 }, (_, index) => index));
});

test('the first failure ends the others and is the one that is told, beside what has come', async () => {
  const begun: number[] = [];
  const { results, failure } = await runParts(
    { count: 20, atOnce: 8 },
    async (index, signal) => {
      begun.push(index);
      if (index === 0) return 'came';
      if (index === 2) throw new Error('no');
      return new Promise<string>((_, reject) => {
        signal.addEventListener('abort', () => reject(new Error('ended')));
      });
    },
    NEVER,
  );
  expect(results).toEqual(['came']);
  expect(failure).toMatchObject({ error: { message: 'no' } });
  expect(begun.length).toBeLessThan(20);
});

test('who goes away ends all of them', async () => {
  const gone = new AbortController();
  const running = runParts(
    { count: 3, atOnce: 8 },
    (_, signal) =>
      new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('gone')));
      }),
    gone.signal,
  );
  gone.abort();
  expect(await running).toMatchObject({ results: [], failure: { error: { message: 'gone' } } });
});
