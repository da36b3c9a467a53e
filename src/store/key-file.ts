import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { KEY_BYTES } from '../lib/encryption.ts';
import { GatewayError, messageOf } from '../lib/errors.ts';

/** Where the key of a database without a passphrase is. */
export function keyFilePath(appDir: string): string {
  return join(appDir, 'encryption.key');
}

/** Where the next key waits while a rotation is under way. */
export function nextKeyPath(path: string): string {
  return `${path}.new`;
}

/** Reads a key, and makes it first if `isNew`. */
export async function loadKeyFile(path: string, isNew: boolean): Promise<Buffer> {
  try {
    if (isNew) await createKeyFile(path);
    const key = Buffer.from(await readFile(path, 'utf8'), 'base64');
    if (key.length !== KEY_BYTES) throw new Error(`it does not hold ${KEY_BYTES} bytes in base64`);
    return key;
  } catch (cause) {
    const message = `The encryption key file ${path} cannot be used: ${messageOf(cause)}`;
    throw new GatewayError('invalid_configuration', message, { cause });
  }
}

/** Leaves a key file that is there: it may serve another database, too. */
async function createKeyFile(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeKey(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

/** Puts a fresh key beside the one in use. It takes its place only when the database has been encrypted with it. */
export async function writeNextKey(path: string): Promise<Buffer> {
  await mkdir(dirname(path), { recursive: true });
  await rm(nextKeyPath(path), { force: true });
  await writeKey(nextKeyPath(path));
  return loadKeyFile(nextKeyPath(path), false);
}

/** Makes the next key the one in use; the former stays as `encryption.key.old`, for backups and other databases. */
export async function adoptNextKey(path: string): Promise<void> {
  await rename(path, `${path}.old`).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error; // none when the former was a passphrase
  });
  await rename(nextKeyPath(path), path);
  // A rename is lasting only when its folder is.
  await using folder = await open(dirname(path), 'r');
  await folder.sync();
}

/** Puts a key from elsewhere in its place; a former one stays as `encryption.key.old`. */
export async function placeKeyFile(path: string, key: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await rm(nextKeyPath(path), { force: true });
  await writeKey(nextKeyPath(path), key);
  await adoptNextKey(path);
}

function writeKey(path: string, key = randomBytes(KEY_BYTES).toString('base64')): Promise<void> {
  return writeFile(path, `${key}\n`, { flag: 'wx', mode: 0o600, flush: true });
}
