import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createEncryption, deriveKey, KEY_BYTES, type Encryption } from '../lib/encryption.ts';
import { GatewayError, messageOf } from '../lib/errors.ts';
import type { SettingsStore } from './settings.ts';

/** How this database is encrypted, and a value that only the right key can read. */
interface Seal {
  readonly source: 'passphrase' | 'key file';
  /** Base64; empty with a key file. */
  readonly salt: string;
  readonly check: string;
}

/** Where the encryption key comes from. */
export interface KeySource {
  readonly settings: SettingsStore;
  /** Holds the key file, which is created when there is no passphrase. */
  readonly appDir: string;
  readonly passphrase?: string | undefined;
}

const SETTING = 'encryption';
const PLACE = 'settings:encryption:check';
const CHECK_TEXT = 'asbru';

/** Opens the encryption of this database, or sets it up on the first start. Refuses a key that does not fit. */
export async function openEncryption({ settings, appDir, passphrase }: KeySource): Promise<Encryption> {
  const source = passphrase === undefined || passphrase === '' ? 'key file' : 'passphrase';
  const path = join(appDir, 'encryption.key');
  const loadKey = (salt: string, isNew: boolean) =>
    source === 'key file' ? loadKeyFile(path, isNew) : deriveKey(passphrase ?? '', Buffer.from(salt, 'base64'));

  if ((await settings.get(SETTING)) === undefined) {
    const salt = source === 'passphrase' ? randomBytes(16).toString('base64') : '';
    const check = createEncryption(await loadKey(salt, true)).encrypt(CHECK_TEXT, PLACE);
    await settings.putIfAbsent(SETTING, { source, salt, check } satisfies Seal);
  }
  // Read again even when it was just written: of several processes that start at once, one has written it.
  const seal = (await settings.get(SETTING)) as Seal;
  if (seal.source !== source) throw refuse(OTHER_SOURCE[seal.source](path));
  const encryption = createEncryption(await loadKey(seal.salt, false));
  if (!fits(encryption, seal)) {
    const name = source === 'passphrase' ? 'The encryption passphrase' : `The key in ${path}`;
    throw refuse(`${name} is not the one this database was encrypted with; start with the original one`);
  }
  return encryption;
}

const OTHER_SOURCE = {
  passphrase: () => 'This database was encrypted with a passphrase and none was given; set the encryption key',
  'key file': (path: string) =>
    `This database was encrypted with the key file ${path} and cannot change to a passphrase; start without the passphrase`,
} as const satisfies Record<Seal['source'], (path: string) => string>;

function fits(encryption: Encryption, seal: Seal): boolean {
  try {
    return encryption.decrypt(seal.check, PLACE) === CHECK_TEXT;
  } catch {
    return false;
  }
}

async function loadKeyFile(path: string, isNew: boolean): Promise<Buffer> {
  try {
    if (isNew) await createKeyFile(path);
    const key = Buffer.from(await readFile(path, 'utf8'), 'base64');
    if (key.length !== KEY_BYTES) throw new Error(`it does not hold ${KEY_BYTES} bytes in base64`);
    return key;
  } catch (cause) {
    throw refuse(`The encryption key file ${path} cannot be used: ${messageOf(cause)}`, cause);
  }
}

/** Leaves a key file that is there: it may serve another database, too. */
async function createKeyFile(path: string): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true });
  const text = `${randomBytes(KEY_BYTES).toString('base64')}\n`;
  await writeFile(path, text, { flag: 'wx', mode: 0o600, flush: true }).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
}

function refuse(message: string, cause?: unknown): GatewayError {
  return new GatewayError('invalid_configuration', message, { cause });
}
