import { readFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { sql } from 'kysely';
import type { Stores } from '../config/open-stores.ts';
import { describeChange, type Actor } from '../governance/audit.ts';
import { GatewayError, messageOf } from '../lib/errors.ts';
import { createChanges } from '../store/changes.ts';
import { createNextKey, type NextKey } from '../store/encryption-key.ts';
import { reencrypt } from '../store/reencrypt.ts';
import { openExisting, type DatabaseFlags } from './open-existing.ts';
import { resolveOptions } from './options.ts';

/** The flags of `asbru keys rotate-encryption`. */
export interface RotateFlags extends DatabaseFlags {
  readonly newPassphraseFile?: string;
  readonly toKeyFile?: boolean;
}

const SHORT = 16;

/** `asbru keys rotate-encryption`: encrypts all that is secret in the database with a new key. */
export async function rotateEncryption(flags: RotateFlags): Promise<void> {
  try {
    const passphrase = readNewPassphrase(flags, process.env);
    const stores = await openExisting(flags);
    try {
      const { appDir } = resolveOptions(flags, process.env, false);
      await rotate(stores, appDir, passphrase, flags.toKeyFile === true);
    } finally {
      await stores.database.close();
    }
  } catch (error) {
    const message = error instanceof GatewayError ? error.message : messageOf(error);
    process.stderr.write(`asbru cannot rotate the encryption key: ${message}\n`);
    process.exitCode = 1;
  }
}

async function rotate(
  stores: Stores,
  appDir: string,
  passphrase: string | undefined,
  isToKeyFile: boolean,
): Promise<void> {
  const { opened, database } = stores;
  if (opened === undefined) throw refuse('the database is kept in memory only');
  if (passphrase === undefined && opened.seal.source === 'passphrase' && !isToKeyFile) {
    throw refuse('give the new passphrase (--new-passphrase-file or ASBRU_NEW_ENCRYPTION_KEY), or --to-key-file');
  }
  const next = await createNextKey(appDir, passphrase);
  const count = await reencrypt({
    database,
    from: opened,
    to: next.encryption,
    seal: next.seal,
    record: (tx) => stores.audit.with(tx).append(describeRotation(opened.seal.source, next.seal.source)),
  });
  await next.adopt();
  await forget(stores);
  await tellOthers(stores);
  process.stdout.write(`${count} values are encrypted with the new key.\n${whatNow(next, appDir)}`);
}

function describeRotation(before: string, after: string) {
  const actor: Actor = { principal: 'command-line', name: userInfo().username, request: undefined };
  return describeChange(actor, {
    action: 'rotate',
    entity: 'settings',
    id: 'encryption',
    name: 'encryption key',
    before: { source: before },
    after: { source: after },
  });
}

/** What was encrypted with the former key is still in the free pages of the file until they are written over. */
async function forget({ database: { db, dialect } }: Stores): Promise<void> {
  if (dialect.type !== 'sqlite') return;
  try {
    await sql`vacuum`.execute(db);
    await sql`pragma wal_checkpoint(truncate)`.execute(db);
  } catch (error) {
    process.stderr.write(`The former ciphertexts could not be wiped from the file (${messageOf(error)}).\n`);
  }
}

/** Gateways on the same PostgreSQL hear of it at once, and say in their logs that they must be restarted. */
async function tellOthers({ database }: Stores): Promise<void> {
  const changes = await createChanges(database, () => {});
  await changes.publish('settings', 'encryption');
  await changes.close();
}

function whatNow({ seal }: NextKey, appDir: string): string {
  const restart = 'Gateways that run on this database serve calls but can change nothing until they are restarted.\n';
  return seal.source === 'passphrase'
    ? `Start the gateway with the new passphrase from now on: ASBRU_ENCRYPTION_KEY, or encryption_key in config.json.\n${restart}`
    : `The new key is ${appDir}/encryption.key; other machines on this database need a copy. A former key file is kept as encryption.key.old, for backups.\n${restart}`;
}

function readNewPassphrase(
  { newPassphraseFile, toKeyFile }: RotateFlags,
  env: Readonly<Record<string, string | undefined>>,
): string | undefined {
  const fromEnv = env.ASBRU_NEW_ENCRYPTION_KEY || undefined;
  const text = newPassphraseFile === undefined ? fromEnv : readPassphrase(newPassphraseFile);
  if (text === undefined) return undefined;
  if (toKeyFile === true) throw refuse('give a new passphrase or --to-key-file, not both');
  if (text.length < SHORT) process.stderr.write(`The new passphrase is shorter than ${SHORT} characters.\n`);
  return text;
}

function readPassphrase(path: string): string {
  const text = readFileSync(path, 'utf8').replace(/\r?\n$/, '');
  if (text === '') throw refuse(`${path} is empty`);
  return text;
}

function refuse(message: string): GatewayError {
  return new GatewayError('invalid_configuration', message);
}
