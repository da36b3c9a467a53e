import { dirname, isAbsolute, join, resolve } from 'node:path';
import type { ConfigFile } from '../contract/config.ts';
import type { DatabaseOptions } from '../store/database.ts';
import type { Siblings } from '../store/siblings.ts';

const FILE = 'logs.db';

/**
 * Where the ledger is kept: as `logs_store` of config.json says, else beside the configuration: `logs.db` next to its SQLite
 * file, or its own PostgreSQL database. Without `appDir` a SQLite ledger is in memory. `siblings` share a file.
 */
export function ledgerOptions(file: ConfigFile, appDir: string | undefined, siblings?: Siblings): DatabaseOptions {
  const { config_store: main, logs_store: logs } = file;
  const type = logs?.type ?? main?.type ?? 'sqlite';
  if (type === 'postgres') {
    const own = logs?.config;
    const isOwn = own !== undefined && (own.url !== undefined || own.host !== undefined || own.db_name !== undefined);
    const shared = main?.type === 'postgres' ? main.config : undefined;
    return { type, config: isOwn ? own : { ...shared, ...own } };
  }
  const mainPath = main?.type === 'postgres' ? undefined : main?.config?.path;
  const path = logs?.config?.path ?? (mainPath === undefined ? FILE : resolveBeside(mainPath));
  if (path === ':memory:' || appDir === undefined) return { type, path: ':memory:', siblings };
  return { type, path: isAbsolute(path) ? path : resolve(appDir, path), siblings };
}

/** Whether calls are logged at all; what is used of budgets and limits is counted in any case. */
export function isLoggingEnabled({ logs_store }: ConfigFile): boolean {
  return logs_store?.enabled !== false;
}

function resolveBeside(mainPath: string): string {
  return mainPath === ':memory:' ? mainPath : join(dirname(mainPath), FILE);
}
