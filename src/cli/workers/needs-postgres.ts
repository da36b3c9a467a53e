import { loadConfigFile, parseConfig } from '../../config/file.ts';
import { ledgerOptions } from '../../config/ledger-options.ts';
import { databaseOptions } from '../../config/open-stores.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { StartOptions } from '../options.ts';

/** Refuses several workers on SQLite, configuration or logs: it has one process at a time. */
export async function demandPostgres({
  appDir,
  configFile,
  workers,
}: Pick<StartOptions, 'appDir' | 'configFile' | 'workers'>): Promise<void> {
  const { file } = configFile === undefined ? parseConfig('{}') : await loadConfigFile(configFile, { isNamed: true });
  const stores = { config_store: databaseOptions(appDir, file), logs_store: ledgerOptions(file, appDir) };
  for (const [name, { type }] of Object.entries(stores)) {
    if (type === 'postgres') continue;
    const why = `${workers} workers (--workers) need PostgreSQL, and the ${name} of config.json is SQLite`;
    throw new GatewayError('invalid_configuration', `${why}; name a PostgreSQL there, or start with --workers 1`);
  }
}
