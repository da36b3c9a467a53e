import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { GatewayError } from '../lib/errors.ts';
import { VERSION } from '../lib/version.ts';
import { fitsSeal, openSeal, type Seal } from '../store/encryption-key.ts';
import { keyFilePath } from '../store/key-file.ts';
import { writeBackup, type BackupHeader } from '../store/portable/backup-file.ts';
import type { Counts } from '../store/portable/entries.ts';
import { openSnapshot, type Snapshot } from '../store/portable/snapshot.ts';
import { LOG_TABLES } from '../store/portable/tables.ts';
import type { DatabaseFlags } from './open-existing.ts';
import { countOf, findPlaces, runCommand, type GatewayPlaces } from './places.ts';

/** The flags of `asbru backup`. */
export interface BackupFlags extends DatabaseFlags {
  readonly logs?: boolean;
  readonly withKey?: boolean;
}

/** `asbru backup <file>`: all of a gateway in one file, while it runs. */
export function backup(file: string, flags: BackupFlags): Promise<void> {
  return runCommand('back up', async () => {
    const places = await findPlaces(flags);
    const path = resolve(file);
    await using snapshot = await openSnapshot(places);
    const hasLogs = flags.logs === true;
    const key = flags.withKey === true ? await readKey(snapshot.seal, places) : undefined;
    const header = { ...headerOf(snapshot, hasLogs), ...(key !== undefined && { key }) };
    const rows = await writeBackup(path, header, snapshot.read({ hasLogs }));
    process.stdout.write(`${describe(rows, path, hasLogs)}\n${aboutKey(snapshot.seal, places, key)}\n`);
  });
}

/** What a snapshot of now says of itself. */
export function headerOf({ migrations, seal }: Snapshot, has_logs: boolean): BackupHeader {
  const { config, ledger } = migrations;
  return {
    format: 'asbru-backup',
    format_version: 1,
    asbru: VERSION,
    created_at: new Date().toISOString(),
    migrations: { config, ...(ledger !== undefined && { ledger }) },
    has_logs,
    ...(seal !== undefined && { seal }),
  };
}

async function readKey(seal: Seal | undefined, { appDir, passphrase }: GatewayPlaces): Promise<string> {
  if (seal?.source !== 'key file') {
    const reason = 'the secrets are encrypted with a passphrase, which is stored nowhere; leave out --with-key';
    throw new GatewayError('invalid_request', seal === undefined ? 'there is no encryption key yet' : reason);
  }
  await openSeal(seal, { appDir, passphrase });
  const key = (await readFile(keyFilePath(appDir), 'utf8')).trim();
  if (fitsSeal(seal, key)) return key;
  throw new GatewayError('conflict', 'the encryption key was rotated just now; try again');
}

function describe(rows: Counts, path: string, hasLogs: boolean): string {
  const logs: ReadonlySet<string> = new Set(LOG_TABLES);
  const sum = (isLog: boolean): number =>
    Object.entries(rows).reduce((total, [table, count]) => total + (logs.has(table) === isLog ? count : 0), 0);
  const what = `${countOf(sum(false), 'row')} of the configuration`;
  return `${path} holds ${what}${hasLogs ? ` and ${countOf(sum(true), 'row')} of logs` : ', and no logs (--logs)'}.`;
}

function aboutKey(seal: Seal | undefined, { appDir }: GatewayPlaces, key: string | undefined): string {
  if (key !== undefined)
    return 'The encryption key is in it: whoever has this file can read every secret. Guard it like the secrets themselves.';
  const needed = seal?.source === 'passphrase' ? 'the passphrase' : keyFilePath(appDir);
  return `The encryption key is not in it: without ${needed} the secrets in it cannot be read, and it cannot be restored. Keep that somewhere else.`;
}
