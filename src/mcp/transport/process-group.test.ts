import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test, vi } from 'vitest';
import { isAlive } from '../../../test/kit/processes.ts';
import { endGroup } from './process-group.ts';

const STUBBORN = `process.on('SIGTERM', () => {}); setInterval(() => {}, 1000); console.log('up')`;

test('what ignores SIGTERM is killed in time although the clock is set back meanwhile', async () => {
  const child = spawn(process.execPath, ['-e', STUBBORN], { detached: true, stdio: ['ignore', 'pipe', 'ignore'] });
  await once(child.stdout, 'data');
  vi.useFakeTimers({ toFake: ['Date'] });
  try {
    const ended = endGroup(child.pid ?? 0, 100);
    vi.setSystemTime(Date.now() - 3_600_000);
    await ended;
    expect(isAlive(child.pid ?? 0)).toBe(false);
  } finally {
    vi.useRealTimers();
  }
});
