import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { messageOf } from './errors.ts';

/** What a file holds, or why that cannot be said. */
export type FileContent =
  | { readonly text: string; readonly problem?: undefined }
  | { readonly text: ''; readonly problem: string };

interface Cached {
  readonly stamp: string;
  readonly content: FileContent;
}

const MAX_BYTES = 64 * 1024;
const cache = new Map<string, Cached>();
let folder = '.';

/** Sets what relative paths start from: the app directory. Like the environment, this is one for the whole process. */
export function setSecretFolder(path: string): void {
  folder = path;
}

/**
 * Reads a file with a secret, without the line break at its end. It is read again only after it was changed or replaced, as
 * tools do that renew mounted secrets.
 */
export function readSecretFile(name: string): FileContent {
  const path = resolve(folder, name);
  try {
    const { mtimeMs, size, ino, isFile } = statOf(path);
    if (!isFile) return fail(`${path} is not a file`);
    if (size > MAX_BYTES) return fail(`${path} is larger than ${MAX_BYTES / 1024} KiB`);
    const stamp = `${mtimeMs} ${size} ${ino}`;
    const cached = cache.get(path);
    if (cached?.stamp === stamp) return cached.content;
    const text = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
    const content = text === '' ? fail(`${path} is empty`) : { text };
    cache.set(path, { stamp, content });
    return content;
  } catch (error) {
    const isMissing = (error as NodeJS.ErrnoException).code === 'ENOENT';
    return fail(isMissing ? `${path} does not exist` : `${path} cannot be read (${messageOf(error)})`);
  }
}

function statOf(path: string) {
  const stats = statSync(path);
  return { mtimeMs: stats.mtimeMs, size: stats.size, ino: stats.ino, isFile: stats.isFile() };
}

function fail(problem: string): FileContent {
  return { text: '', problem };
}
