import { existsSync } from 'node:fs';
import { loadConfigFile, parseConfig } from '../config/file.ts';
import { databaseOptions, openStores, type Stores } from '../config/open-stores.ts';
import { GatewayError } from '../lib/errors.ts';
import { resolveOptions, type StartFlags } from './options.ts';

/** Where the database is, as for a start. */
export type DatabaseFlags = Pick<StartFlags, 'appDir' | 'config'>;

/** Opens the database of a gateway, which may be running. */
export async function openExisting(flags: DatabaseFlags): Promise<Stores> {
  const { appDir, configFile, passphrase } = resolveOptions(flags, process.env, false);
  const { file } = configFile === undefined ? parseConfig('{}') : await loadConfigFile(configFile, { isNamed: true });
  // To open a database that is not there would make one, with nothing in it to complain about.
  const database = databaseOptions(appDir, file);
  if (database.type === 'sqlite' && !existsSync(database.path)) {
    throw new GatewayError('invalid_configuration', `there is no database ${database.path}`);
  }
  return openStores({ file, appDir, passphrase, onError: () => {} });
}
