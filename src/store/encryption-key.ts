import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { createEncryption, deriveKey, KEY_BYTES, LASTING_PURPOSES, type Encryption } from '../lib/encryption.ts';
import { GatewayError } from '../lib/errors.ts';
import { adoptNextKey, keyFilePath, loadKeyFile, nextKeyPath, writeNextKey } from './key-file.ts';
import type { SettingsStore } from './settings.ts';

/** How this database is encrypted, and a value that only the right key can read. */
export interface Seal {
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

/** An encryption that was opened for a database, and the seal that it fits. */
export interface OpenedEncryption extends Encryption {
  readonly seal: Seal;
}

/** The row of the settings table with the seal. */
export const SEAL = 'encryption';
const PLACE = 'settings:encryption:check';
const CHECK_TEXT = 'asbru';

/** Opens the encryption of this database, or sets it up on the first start. Refuses a key that does not fit. */
export async function openEncryption({ settings, appDir, passphrase }: KeySource): Promise<OpenedEncryption> {
  const source = sourceOf(passphrase);
  const isNew = (await settings.get(SEAL)) === undefined;
  if (isNew) {
    const salt = source === 'passphrase' ? randomBytes(16).toString('base64') : '';
    await settings.putIfAbsent(
      SEAL,
      sealOf(source, salt, createEncryption(await loadKey({ appDir, passphrase }, salt, true))),
    );
  }
  // Read again even when it was just written: of several processes that start at once, one has written it.
  const seal = (await settings.get(SEAL)) as Seal;
  const key = await openSeal(seal, { appDir, passphrase });
  const lasting = await loadLastingKeys(settings, createEncryption(key), isNew);
  return { ...createEncryption(key, lasting), seal };
}

/** The key to a database. Refuses one that does not fit, and says which would. */
export async function openSeal(seal: Seal, from: Pick<KeySource, 'appDir' | 'passphrase'>): Promise<Buffer> {
  const source = sourceOf(from.passphrase);
  const path = keyFilePath(from.appDir);
  if (seal.source !== source) throw refuse(OTHER_SOURCE[seal.source](path));
  const key = await findKey(seal, path, () => loadKey(from, seal.salt, false));
  if (key !== undefined) return key;
  const name = source === 'passphrase' ? 'The encryption passphrase' : `The key in ${path}`;
  throw refuse(`${name} is not the one this database was encrypted with; start with the original one`);
}

/** True for the content of a key file that opens this seal. */
export function fitsSeal(seal: Seal, key: string): boolean {
  const bytes = Buffer.from(key, 'base64');
  return bytes.length === KEY_BYTES && fits(createEncryption(bytes), seal);
}

function sourceOf(passphrase: string | undefined): Seal['source'] {
  return passphrase === undefined || passphrase === '' ? 'key file' : 'passphrase';
}

function loadKey(
  { appDir, passphrase = '' }: Pick<KeySource, 'appDir' | 'passphrase'>,
  salt: string,
  isNew: boolean,
): Promise<Buffer> {
  return sourceOf(passphrase) === 'key file'
    ? loadKeyFile(keyFilePath(appDir), isNew)
    : deriveKey(passphrase, Buffer.from(salt, 'base64'));
}

/** A new key for a database whose values are about to be encrypted anew. */
export interface NextKey {
  readonly encryption: Encryption;
  readonly seal: Seal;
  /** Puts the key file in its place. To be called when the database holds the new seal. */
  adopt(): Promise<void>;
}

/** Makes the next key: from a passphrase, or a key file if there is none. */
export async function createNextKey(appDir: string, passphrase: string | undefined): Promise<NextKey> {
  const path = keyFilePath(appDir);
  if (passphrase === undefined) {
    const encryption = createEncryption(await writeNextKey(path));
    return { encryption, seal: sealOf('key file', '', encryption), adopt: () => adoptNextKey(path) };
  }
  const salt = randomBytes(16);
  const encryption = createEncryption(await deriveKey(passphrase, salt));
  const seal = sealOf('passphrase', salt.toString('base64'), encryption);
  return { encryption, seal, adopt: () => Promise.resolve() };
}

function sealOf(source: Seal['source'], salt: string, encryption: Encryption): Seal {
  return { source, salt, check: encryption.encrypt(CHECK_TEXT, PLACE) };
}

/** The key that fits. A rotation that was cut off between the database and the file has left it beside the former one. */
async function findKey(seal: Seal, path: string, load: () => Promise<Buffer>): Promise<Buffer | undefined> {
  const hasNext = seal.source === 'key file' && existsSync(nextKeyPath(path));
  const next = hasNext ? await loadKeyFile(nextKeyPath(path), false).catch(() => undefined) : undefined;
  if (next !== undefined && fits(createEncryption(next), seal)) {
    await adoptNextKey(path);
    return next;
  }
  const key = await load();
  return fits(createEncryption(key), seal) ? key : undefined;
}

/**
 * The keys of purposes that outlive a rotation: made once, and from then on kept encrypted like any other secret. Databases from
 * before there were such keys go on with those that they derived.
 */
async function loadLastingKeys(
  settings: SettingsStore,
  encryption: Encryption,
  isNew: boolean,
): Promise<ReadonlyMap<string, Buffer>> {
  const keys = new Map<string, Buffer>();
  for (const purpose of LASTING_PURPOSES) {
    const { name, place } = lastingKeyRow(purpose);
    if ((await settings.get(name)) === undefined) {
      const key = isNew ? randomBytes(KEY_BYTES) : encryption.deriveKey(purpose);
      await settings.putIfAbsent(name, encryption.encrypt(key.toString('base64'), place));
    }
    keys.set(purpose, Buffer.from(encryption.decrypt((await settings.get(name)) as string, place), 'base64'));
  }
  return keys;
}

/** Where the key of a purpose is kept. */
export function lastingKeyRow(purpose: (typeof LASTING_PURPOSES)[number]) {
  return { name: `encryption.key.${purpose}`, place: `settings:key:${purpose}` } as const;
}

const OTHER_SOURCE = {
  passphrase: () => 'This database was encrypted with a passphrase and none was given; set the encryption key',
  'key file': (path: string) =>
    `This database was encrypted with the key file ${path} and cannot change to a passphrase here; start without the passphrase, or run "asbru keys rotate-encryption"`,
} as const satisfies Record<Seal['source'], (path: string) => string>;

function fits(encryption: Encryption, seal: Seal): boolean {
  try {
    return encryption.decrypt(seal.check, PLACE) === CHECK_TEXT;
  } catch {
    return false;
  }
}

function refuse(message: string): GatewayError {
  return new GatewayError('invalid_configuration', message);
}
