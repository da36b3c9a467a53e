import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import { describeChange } from '../governance/audit.ts';
import { GatewayError } from '../lib/errors.ts';
import { createAuditStore } from '../store/audit.ts';
import { fitsSeal, openEncryption, openSeal } from '../store/encryption-key.ts';
import { keyFilePath, placeKeyFile } from '../store/key-file.ts';
import { openBackup, type BackupHeader } from '../store/portable/backup-file.ts';
import { bringIn } from '../store/portable/bring-in.ts';
import type { Executor } from '../store/schema.ts';
import { createSettingsStore } from '../store/settings.ts';
import type { DatabaseFlags } from './open-existing.ts';
import { createAppDir } from './options.ts';
import { countOf, findPlaces, runCommand, type GatewayPlaces } from './places.ts';

/** The flags of `asbru restore`. */
export interface RestoreFlags extends DatabaseFlags {
  readonly force?: boolean;
}

/** `asbru restore <file>`: puts a backup into the database that config.json names, whichever kind either is of. */
export function restore(file: string, flags: RestoreFlags): Promise<void> {
  return runCommand('restore', async () => {
    const places = await findPlaces(flags);
    const reader = await openBackup(resolve(file));
    const { header } = reader;
    const isForced = flags.force === true;
    createAppDir(places.appDir);
    try {
      const undo = await prepareKey(header, places, isForced);
      try {
        const entries = reader.entries();
        const finish = recordRestore(places, { backup_of: header.created_at, asbru: header.asbru });
        const counts = await bringIn({ to: places, header, entries, isForced, finish });
        const total = Object.values(counts).reduce((sum, count) => sum + count, 0);
        process.stdout.write(
          `${countOf(total, 'row')} of ${header.created_at} are restored.\n${aboutKey(header, places)}\n`,
        );
      } catch (error) {
        await undo();
        throw error;
      }
    } finally {
      reader.close();
    }
  });
}

/** The audit entry of what was brought in; refuses a key that does not fit what is there now. */
export function recordRestore({ appDir, passphrase }: GatewayPlaces, after: object): (tx: Executor) => Promise<void> {
  return async (tx) => {
    const encryption = await openEncryption({ settings: createSettingsStore(tx), appDir, passphrase });
    const actor = { principal: 'command-line', name: userInfo().username, request: undefined };
    const change = { action: 'restore', entity: 'settings', id: 'database', name: 'database', after } as const;
    await createAuditStore(tx, encryption.deriveKey('audit')).with(tx).append(describeChange(actor, change));
  };
}

/** Makes sure that there is a key that fits, before anything is written. Gives how to take back what was done for it. */
async function prepareKey(
  { seal, key }: BackupHeader,
  { appDir, passphrase }: GatewayPlaces,
  isForced: boolean,
): Promise<() => Promise<void>> {
  const nothing = (): Promise<void> => Promise.resolve();
  if (seal === undefined) return nothing;
  const path = keyFilePath(appDir);
  if (key === undefined || passphrase !== undefined) {
    if (seal.source === 'key file' && passphrase === undefined && !existsSync(path))
      throw refuse(`the encryption key is not in the backup; put the key file that belongs to it at ${path} first`);
    await openSeal(seal, { appDir, passphrase });
    return nothing;
  }
  if (!fitsSeal(seal, key)) throw refuse('the encryption key in the backup does not fit its secrets');
  if (!existsSync(path)) {
    await placeKeyFile(path, key);
    return () => rm(path);
  }
  if (fitsSeal(seal, (await readFile(path, 'utf8')).trim())) return nothing;
  if (!isForced) throw refuse(`there is another key at ${path}; --force keeps it as encryption.key.old`);
  const former = (await readFile(path, 'utf8')).trim();
  await placeKeyFile(path, key);
  return () => placeKeyFile(path, former);
}

function aboutKey({ seal, key }: BackupHeader, { appDir }: GatewayPlaces): string {
  if (seal?.source === 'passphrase') return 'The gateway starts with the same passphrase as before.';
  const from =
    key === undefined
      ? 'It is not part of the backup.'
      : 'It was part of the backup, which therefore opens every secret.';
  return `The encryption key is ${keyFilePath(appDir)}. ${from}`;
}

function refuse(message: string): GatewayError {
  return new GatewayError('invalid_configuration', message);
}
