import { expect, test } from 'vitest';
import { explainSteps, hideTexts, secretsIn } from './doctor-rules.ts';

const at = '2026-01-01T00:00:00.000Z';

test('what may be a key in the address of a server is hidden wherever it is repeated', () => {
  const address = 'https://ann:pass-word@mcp.example.com/s/abcdef0123456789abcdef/mcp?key=12345';
  const step = {
    detail: `cannot ask ${address}`,
    response: { body: { resource: 'https://mcp.example.com/s/abcdef0123456789abcdef/mcp?key=12345' } },
  };
  expect(hideTexts(step, secretsIn(address))).toEqual({
    detail: 'cannot ask https://…mcp.example.com/s/…/mcp?…',
    response: { body: { resource: 'https://mcp.example.com/s/…/mcp?…' } },
  });
});

test('an ordinary address is shown as it is', () => {
  for (const address of [
    'https://mcp.example.com/v1/sse',
    'http://a-rather-long-name.example.com:8080/',
    'nothing',
    '',
  ])
    expect(secretsIn(address)).toEqual([]);
});

test('a failed step says what to do', () => {
  const [bare, given, fine] = explainSteps([
    { at, step: 'token', outcome: 'failed' },
    { at, step: 'token', outcome: 'failed', hint: 'wait' },
    { at, step: 'token', outcome: 'ok' },
  ]);
  expect(bare?.hint).toContain('client_id');
  expect(given?.hint).toBe('wait');
  expect(fine).not.toHaveProperty('hint');
});

test('being asked for a token is no failure, nor is a stream that never ends; not being answered at all is', () => {
  const outcomes = (...steps: Parameters<typeof explainSteps>[0]) => explainSteps(steps).map(({ outcome }) => outcome);
  const probe = { at, step: 'probe' };
  expect(outcomes({ ...probe, outcome: 'skipped', response: { status: 401 } })).toEqual(['ok']);
  expect(outcomes({ ...probe, outcome: 'skipped', response: { status: 404 } })).toEqual(['skipped']);
  expect(outcomes({ ...probe, outcome: 'failed' }, { ...probe, outcome: 'skipped' })).toEqual(['skipped', 'skipped']);
  expect(outcomes({ ...probe, outcome: 'failed' })).toEqual(['failed']);
});
