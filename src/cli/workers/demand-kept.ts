import { loadConfigFile, parseConfig } from '../../config/file.ts';
import { ledgerOptions } from '../../config/ledger-options.ts';
import { databaseOptions } from '../../config/open-stores.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { StartOptions } from '../options.ts';

/** Refuses several workers on a database in memory, configuration or logs: each would have one of its own. */
export async function demandKept({
  appDir,
  configFile,
  workers,
}: Pick<StartOptions, 'appDir' | 'configFile' | 'workers'>): Promise<void> {
  const { file } = configFile === undefined ? parseConfig('{}') : await loadConfigFile(configFile, { isNamed: true });
  const stores = { config_store: databaseOptions(appDir, file), logs_store: ledgerOptions(file, appDir) };
  for (const [name, options] of Object.entries(stores)) {
    if (options.type === 'postgres' || options.path !== ':memory:') continue;
    const why = `${workers} workers (--workers) cannot share a database in memory, as config.json names it in ${name}`;
    throw new GatewayError('invalid_configuration', `${why}; name a file there, or start with --workers 1`);
  }
}
