import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let root: string | undefined;

/** A folder of this run, by name; all of them are gone after it, however it ends. */
export function runFolder(name: string): string {
  if (root === undefined) {
    const made = mkdtempSync(join(tmpdir(), 'asbru-peers-'));
    process.once('exit', () => rmSync(made, { recursive: true, force: true, maxRetries: 3 }));
    root = made;
  }
  const folder = join(root, name);
  mkdirSync(folder, { recursive: true });
  return folder;
}

/** An environment with an empty home: what a program keeps there is neither found nor left behind. */
export function privateEnvironment(): Record<string, string> {
  const home = runFolder('home');
  return { PATH: process.env['PATH'] ?? '', HOME: home, USERPROFILE: home };
}
