import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

let home: string | undefined;

/** An environment whose home folder is empty: what a program stores there is neither found nor left behind. */
export function privateEnvironment(): Record<string, string> {
  if (home === undefined) {
    const made = mkdtempSync(join(tmpdir(), 'asbru-peers-home-'));
    process.once('exit', () => rmSync(made, { recursive: true, force: true }));
    home = made;
  }
  return { PATH: process.env['PATH'] ?? '', HOME: home, USERPROFILE: home };
}
