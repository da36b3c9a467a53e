import { ledgerOptions } from '../config/ledger-options.ts';
import { loadConfigFile, parseConfig } from '../config/file.ts';
import { databaseOptions, readPhrase } from '../config/open-stores.ts';
import { GatewayError, messageOf } from '../lib/errors.ts';
import { setSecretFolder } from '../lib/secret-file.ts';
import type { Places } from '../store/portable/snapshot.ts';
import type { DatabaseFlags } from './open-existing.ts';
import { resolveOptions } from './options.ts';

/** Where a gateway keeps what, and what its secrets are encrypted with, as for a start. */
export interface GatewayPlaces extends Places {
  readonly appDir: string;
  readonly passphrase: string | undefined;
}

/** Reads it from flags, environment and config.json. Nothing is opened. */
export async function findPlaces(flags: DatabaseFlags): Promise<GatewayPlaces> {
  const { appDir, configFile, passphrase } = resolveOptions(flags, process.env, false);
  setSecretFolder(appDir);
  const { file } = configFile === undefined ? parseConfig('{}') : await loadConfigFile(configFile, { isNamed: true });
  const config = databaseOptions(appDir, file);
  if (config.type === 'sqlite' && config.path === ':memory:') {
    throw new GatewayError('invalid_configuration', 'the database of config.json is kept in memory only');
  }
  const phrase = passphrase ?? readPhrase(file);
  return { appDir, passphrase: phrase === '' ? undefined : phrase, config, ledger: ledgerOptions(file, appDir) };
}

/** Runs a command; a failure is one sentence and exit code 1. */
export async function runCommand(what: string, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    process.stderr.write(`asbru cannot ${what}: ${messageOf(error)}\n`);
    process.exitCode = 1;
  }
}

/** Such as "1 row" and "1,203 rows". */
export function countOf(count: number, word: string): string {
  return `${count.toLocaleString('en')} ${word}${count === 1 ? '' : 's'}`;
}
