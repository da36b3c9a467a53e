import { expect, test } from 'vitest';
import { explainStep, hideTexts, secretsIn } from './doctor-rules.ts';

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

test('a failed step says what to do, and being asked for a token is no failure', () => {
  expect(explainStep({ at, step: 'token', outcome: 'failed' })).toMatchObject({
    hint: expect.stringContaining('client_id') as string,
  });
  expect(explainStep({ at, step: 'token', outcome: 'failed', hint: 'wait' })).toMatchObject({ hint: 'wait' });
  expect(explainStep({ at, step: 'token', outcome: 'ok' })).not.toHaveProperty('hint');
  const probe = { at, step: 'probe', outcome: 'skipped' } as const;
  expect(explainStep({ ...probe, response: { status: 401 } }).outcome).toBe('ok');
  expect(explainStep({ ...probe, response: { status: 404 } }).outcome).toBe('skipped');
});
