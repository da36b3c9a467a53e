import { expect, test } from 'vitest';
import { CELLS } from './cells.ts';
import { report } from './report.ts';
import type { Check } from './suite.ts';

const cell = CELLS[0];
const success: Check = { id: 'looked-at', status: 'SUCCESS' };
const reason = 'because';

function judge(checks: readonly Check[], expected: readonly string[] = [], scenario = 'ping') {
  const known = expected.map((name) => ({ cell: cell.name, scenario: name, checks: ['missing'], reason }));
  return report([{ cell, results: [{ scenario, checks }] }], known);
}

test('a scenario whose checks succeed passes', () => {
  const { text, hasFailed } = judge([success, { id: 'other', status: 'SKIPPED' }]);
  expect(text).toMatch(/ping +pass\n/);
  expect(text).toMatch(/1 passed, 0 failed$/);
  expect(hasFailed).toBe(false);
});

test.each(['FAILURE', 'WARNING'] as const)('a %s fails the run and is shown', (status) => {
  const { text, hasFailed } = judge([success, { id: 'missing', status, errorMessage: 'not there' }]);
  expect(text).toContain('missing: not there');
  expect(text).toMatch(/0 passed, 1 failed$/);
  expect(hasFailed).toBe(true);
});

test('a scenario that looked at nothing but the form of messages fails the run', () => {
  expect(judge([]).hasFailed).toBe(true);
  expect(judge([{ id: 'wire-schema-valid', status: 'SUCCESS' }]).hasFailed).toBe(true);
});

test('an expected failure does not fail the run and shows its reason', () => {
  const { text, hasFailed } = judge([{ id: 'missing', status: 'FAILURE' }], ['ping']);
  expect(text).toContain(`expected: ${reason}`);
  expect(text).toMatch(/0 passed, 0 failed, 1 expected failures$/);
  expect(hasFailed).toBe(false);
});

test('a failed check that is not among the expected ones of its scenario fails the run', () => {
  const checks: Check[] = [
    { id: 'missing', status: 'FAILURE' },
    { id: 'wrong', status: 'FAILURE' },
  ];
  expect(judge(checks, ['ping']).hasFailed).toBe(true);
});

test('an expected failure that passes, or that no run has, is stale and fails the run', () => {
  expect(judge([success], ['ping']).text).toMatch(/ping +STALE/);
  expect(judge([success], ['ping']).hasFailed).toBe(true);
  expect(judge([success], ['gone']).text).toMatch(/gone +STALE/);
  expect(judge([success], ['gone']).hasFailed).toBe(true);
});

test('a scenario without a meaning in its cell is left out of the table, with the reason', () => {
  const { text, hasFailed } = judge([], [], 'server-sse-polling');
  expect(text).toMatch(/n\.a\.:\n +server-sse-polling \[2025 → 2025\]: \S/);
  expect(hasFailed).toBe(false);
});

test('a scenario that passed when it was run again is named, with what failed at first', () => {
  const atFirst: Check[] = [{ id: 'missing', status: 'FAILURE', errorMessage: 'too early' }];
  const { text, hasFailed } = report([{ cell, results: [{ scenario: 'ping', checks: [success], atFirst }] }], []);
  expect(text).toContain(`[${cell.name}] ping: run twice, since the first run failed\n  missing: too early`);
  expect(text).toMatch(/1 passed, 0 failed$/);
  expect(hasFailed).toBe(false);
});
