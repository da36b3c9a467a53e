import { expect, test } from 'vitest';
import type { FailureView } from '../../contract/mcp-client.ts';
import { createHealthHistory } from './health-history.ts';

const T = Date.UTC(2026, 0, 1);
const at = (second: number) => new Date(T + second * 1_000).toISOString();
const failure = (message: string, second: number): FailureView => ({
  ...{ stage: 'connect', message, at: at(second), since: at(0) },
});

function open() {
  let second = -1;
  return createHealthHistory(() => T + (second += 1) * 1_000);
}

test('a period ends where the next begins, the newest first', () => {
  const history = open();
  history.note('disconnected', undefined);
  history.note('connected', undefined);
  history.note('disconnected', failure('refused', 3));
  expect(history.keptSince).toBe(at(0));
  expect(history.list()).toEqual([
    {
      ...{ state: 'disconnected', since: at(3) },
      failure: { stage: 'connect', message: 'refused', at: at(3), times: 1 },
    },
    { state: 'connected', since: at(2), until: at(3) },
    { state: 'disconnected', since: at(1), until: at(2) },
  ]);
});

test('the same failure again is counted once each time, and another one is another period', () => {
  const history = open();
  for (const second of [1, 1, 2, 2, 3]) history.note('disconnected', failure('refused', second));
  expect(history.list()).toMatchObject([{ since: at(1), failure: { at: at(3), times: 3 } }]);
  history.note('disconnected', failure('time-out', 9));
  expect(history.list().map((period) => period.failure?.message)).toEqual(['time-out', 'refused']);
});

test('a disabled server has no failure', () => {
  const history = open();
  history.note('disabled', failure('refused', 0));
  history.note('disabled', failure('refused', 1));
  expect(history.list()).toEqual([{ state: 'disabled', since: at(1) }]);
});

test('a server that comes and goes fills no memory', () => {
  const history = open();
  for (let turn = 0; turn < 500; turn += 1) history.note(turn % 2 === 0 ? 'connected' : 'disconnected', undefined);
  expect(history.list()).toHaveLength(100);
  expect(history.list()[0]?.state).toBe('disconnected');
});
