import { expect, test } from 'vitest';
import { callEnd, callStart, llmEnd, llmStart } from '../../test/kit/ledger.ts';
import { createWaiting } from './waiting.ts';

const LONG = 3_600_000;
const charge = { counter_id: 'b', window_start: 1, amount: 1 };

test('what began just now and still runs stays open, and is written once when it has ended', () => {
  const waiting = createWaiting();
  const call = waiting.begin(callStart({ id: 'a', arguments: '12' }));
  const request = waiting.llm.begin(llmStart({ id: 'b', input: '123' }));
  expect(waiting.seal(LONG)).toBe(0);
  expect([waiting.newRows, waiting.rows, waiting.isWaiting]).toEqual([0, 2, true]);

  const other = waiting.begin(callStart({ id: 'c', arguments: '1234' }));
  waiting.end(other, callEnd());
  waiting.charge(charge);
  expect(waiting.newRows).toBe(1);
  expect(waiting.seal(LONG)).toBe(1);
  expect(waiting.next()).toMatchObject({
    started: [],
    completed: [{ start: { id: 'c' } }],
    charges: [charge],
    size: 4,
  });
  waiting.done();

  waiting.end(call, callEnd());
  waiting.llm.end(request, llmEnd());
  expect(waiting.seal(LONG)).toBe(2);
  const completed = [{ start: { id: 'a', arguments: '12' } }];
  const llm = { started: [], ended: [], completed: [{ start: { id: 'b', input: '123' } }] };
  expect(waiting.next()).toMatchObject({ started: [], ended: [], completed, llm, size: 2 });
  waiting.done();
  expect([waiting.rows, waiting.isWaiting]).toEqual([0, false]);
});

test('what has run for longer is written as it is, and its end on its own', () => {
  const waiting = createWaiting();
  const call = waiting.begin(callStart({ id: 'a' }));
  expect(waiting.seal()).toBe(1);
  expect(waiting.next()).toMatchObject({ started: [{ id: 'a' }], completed: [] });
  waiting.done();
  waiting.end(call, callEnd());
  expect(waiting.seal(LONG)).toBe(2);
  expect(waiting.next()).toMatchObject({ started: [], ended: [{ id: 'a' }], completed: [] });
});
