import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { vi } from 'vitest';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

/** What a run of the command line gave. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs `asbru …` in a process of its own, with nothing of ours in its environment but what is given. */
export async function runAsbru(args: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('ASBRU_'));
  const child = spawn(process.execPath, [main, ...args], { env: { ...Object.fromEntries(own), ...env } });
  const out = { stdout: '', stderr: '' };
  child.stdout.on('data', (data) => (out.stdout += String(data)));
  child.stderr.on('data', (data) => (out.stderr += String(data)));
  const [code] = (await once(child, 'close')) as [number];
  return { code, ...out };
}

/** Runs a command within this process: a fraction of the time, where the command line itself is not what is tested. */
export async function runHere(command: () => Promise<void>, env: Record<string, string> = {}): Promise<Ran> {
  const out = { stdout: '', stderr: '' };
  const former = { exitCode: process.exitCode, env: process.env };
  const capture = (name: 'stdout' | 'stderr') =>
    vi.spyOn(process[name], 'write').mockImplementation((text) => {
      out[name] += String(text);
      return true;
    });
  const spies = [capture('stdout'), capture('stderr')];
  process.env = { ...process.env, ...env };
  try {
    await command();
    return { code: Number(process.exitCode ?? 0), ...out };
  } finally {
    for (const spy of spies) spy.mockRestore();
    process.env = former.env;
    process.exitCode = former.exitCode;
  }
}
