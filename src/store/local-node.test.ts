import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { isLocalNodeGone, nameLocalNode } from './local-node.ts';

test('a process of this machine is known by its name to run, or to have ended', () => {
  expect(isLocalNodeGone(nameLocalNode())).toBe(false);
  expect(nameLocalNode()).not.toBe(nameLocalNode());
  const { pid } = spawnSync(process.execPath, ['--version']);
  expect(isLocalNodeGone(`${pid}-${randomUUID()}`)).toBe(true);
  expect(isLocalNodeGone('1-of-another-user-or-not')).toBe(false);
});
