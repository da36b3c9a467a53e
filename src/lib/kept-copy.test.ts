import { expect, test } from 'vitest';
import { unexpected } from '../../test/kit/ledger.ts';
import { createKeptCopy } from './kept-copy.ts';

const AWAY = new Error('the database is away');
const refusal = 'nothing can be told at the moment';
const unavailable = expect.objectContaining({ code: 'database_unavailable', message: refusal }) as Error;

test('what was read last is what is kept, however long a reading before it took', async () => {
  let stored = 'older';
  const slow = Promise.withResolvers<void>();
  const waits = [slow.promise];
  const read = async (): Promise<string> => {
    const found = stored;
    await waits.shift();
    return found;
  };
  const copy = createKeptCopy({ read, onError: unexpected, refusal });
  const first = copy.refresh();
  await Promise.resolve();
  stored = 'newer';
  const second = copy.refresh();
  slow.resolve();
  await Promise.all([first, second]);
  expect(copy.get()).toBe('newer');
});

test('after a failed reading there is nothing, until whoever asks has had it read again', async () => {
  let isAway = false;
  const errors: unknown[] = [];
  const copy = createKeptCopy({
    read: () => (isAway ? Promise.reject(AWAY) : Promise.resolve('here')),
    onError: (error) => void errors.push(error),
    refusal,
  });
  await copy.refresh();
  expect(copy.get()).toBe('here');
  isAway = true;
  await copy.refresh();
  expect(errors).toEqual([AWAY]);
  expect(() => copy.get()).toThrow(unavailable);
  isAway = false;
  await expect.poll(() => copy.get()).toBe('here');
});
