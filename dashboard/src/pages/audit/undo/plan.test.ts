import { expect, test } from 'vitest';
import { masksIn, planUndo } from './plan.ts';

const NONE: ReadonlySet<string> = new Set();
const secret = (value: string, env_var = '') => ({ value, env_var, from_env: env_var !== '' });

test('only what the change changed gets its former value, whatever else is different today', () => {
  const before = { name: 'a', limit: 1, tools: ['x'] };
  const after = { name: 'a', limit: 2, tools: ['x'] };
  const current = { name: 'renamed', limit: 2, tools: ['x', 'y'] };
  expect(planUndo(before, after, current, NONE)).toEqual({ changes: { limit: 1 }, left: [] });
});

test('what is already as it was is not sent', () => {
  expect(planUndo({ limit: 1 }, { limit: 2 }, { limit: 1 }, NONE)).toEqual({ changes: {}, left: [] });
});

test('a masked secret stays as it is today and is named, one that is gone is not made up', () => {
  const before = { headers: { 'X-Team': 'old', Authorization: 'Bear****', 'X-Gone': '****' } };
  const after = { headers: { 'X-Team': 'new', Authorization: 'Bear****' } };
  const current = { headers: { 'X-Team': 'new', Authorization: 'Basi****' } };
  const masks = new Set(['headers.Authorization', 'headers.X-Gone']);
  expect(planUndo(before, after, current, masks)).toEqual({
    changes: { headers: { 'X-Team': 'old', Authorization: 'Basi****' } },
    left: ['headers.Authorization', 'headers.X-Gone'],
  });
});

test('a line of an environment that is masked comes back only where it still is', () => {
  const stdio = (args: string[], envs: string[]) => ({ stdio_config: { args, envs } });
  const before = stdio(['--only=*'], ['A=1', 'TOKEN=********', 'KEY=****']);
  expect(planUndo(before, stdio([], []), stdio([], ['KEY=****']), NONE)).toEqual({
    changes: stdio(['--only=*'], ['A=1', 'KEY=****']),
    left: ['stdio_config.envs'],
  });
});

test('a white list of everything is no mask', () => {
  expect(planUndo({ tools: ['*'] }, { tools: [] }, { tools: [] }, NONE).changes).toEqual({ tools: ['*'] });
});

test('masks are found by their shape; references and empty values are none', () => {
  const view = {
    connection_string: secret('http********'),
    headers: { A: secret('****'), B: secret('', 'env.B'), C: secret('') },
    tools: ['*'],
  };
  expect([...masksIn(view)]).toEqual(['connection_string', 'headers.A']);
});
