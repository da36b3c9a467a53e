import { expect, test } from 'vitest';
import { createRenewals, type Expiring } from './renewals.ts';

interface Numbered extends Expiring {
  readonly number: number;
}

const HOUR = 3_600_000;

/** A clock of one's own, and a source whose answers are held back until they are asked for. */
function createScene() {
  let time = 0;
  let count = 0;
  let failure: Error | undefined;
  const renewals = createRenewals<Numbered>(() => time);
  const fetch = async (): Promise<Numbered> => {
    count += 1;
    if (failure !== undefined) throw failure;
    return { number: count, expiresAt: time + HOUR };
  };
  return {
    at: (now: number) => (time = now),
    fail: (error: Error | undefined) => (failure = error),
    find: async () => (await renewals.find('one', fetch)).number,
    get fetched() {
      return count;
    },
    /** What was begun in the background is over. */
    settle: () => new Promise(setImmediate),
  };
}

test('all who want a value at once share one flight, and what comes is kept', async () => {
  const scene = createScene();
  expect(await Promise.all([scene.find(), scene.find(), scene.find()])).toEqual([1, 1, 1]);
  scene.at(HOUR - 301_000);
  expect(await scene.find()).toBe(1);
  expect(scene.fetched).toBe(1);
});

test('some minutes before its end a value is renewed once, without anybody waiting for it', async () => {
  const scene = createScene();
  await scene.find();
  scene.at(HOUR - 299_000);
  expect(await Promise.all([scene.find(), scene.find()])).toEqual([1, 1]);
  await scene.settle();
  expect(await scene.find()).toBe(2);
  expect(scene.fetched).toBe(2);
});

test('in its last minute the new value is waited for', async () => {
  const scene = createScene();
  await scene.find();
  scene.at(HOUR - 59_000);
  expect(await Promise.all([scene.find(), scene.find()])).toEqual([2, 2]);
});

test('a value that cannot be renewed is used until its end, and then the failure is told', async () => {
  const scene = createScene();
  await scene.find();
  scene.fail(new Error('nobody there'));
  scene.at(HOUR - 299_000);
  expect(await scene.find()).toBe(1);
  await scene.settle();
  expect(await scene.find()).toBe(1); // it rests
  await scene.settle();
  expect(scene.fetched).toBe(2);
  scene.at(HOUR - 1);
  expect(await scene.find()).toBe(1);
  scene.at(HOUR);
  await expect(scene.find()).rejects.toThrow('nobody there');
  scene.fail(undefined);
  expect(await scene.find()).toBe(5);
});

test('what throws at once is asked for again the next time', async () => {
  const renewals = createRenewals<Numbered>(() => 0);
  const broken = (): Promise<Numbered> => {
    throw new Error('not at all');
  };
  await expect(renewals.find('one', broken)).rejects.toThrow('not at all');
  const value = { number: 1, expiresAt: Infinity };
  expect(await renewals.find('one', async () => value)).toBe(value);
});
