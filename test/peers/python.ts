import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

const SDK = 'mcp==2.3.0';

/** A Python with the official SDK in a folder of its own, made once; or the reason why there is none. */
export async function findPython(): Promise<{ command: string } | { missing: string }> {
  const cache = join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'asbru-peers');
  const folder = join(cache, SDK.replace('==', '-'));
  const command = join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const complete = join(folder, 'complete');
  if (existsSync(complete)) return { command };
  // What a broken run left behind would be taken for whole.
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  try {
    await run('python3', ['-m', 'venv', folder]);
  } catch (error) {
    return { missing: `Python with venv is not here: ${lastLine(error)}` };
  }
  try {
    await run(command, ['-m', 'pip', 'install', '--quiet', '--retries', '1', SDK], { timeout: 120_000 });
  } catch (error) {
    return { missing: `pip cannot install ${SDK}: ${lastLine(error)}` };
  }
  writeFileSync(complete, '');
  return { command };
}

function lastLine(error: unknown): string {
  const { stderr, message } = error as { stderr?: string; message: string };
  return (stderr || message).trim().split('\n').at(-1) ?? '';
}
