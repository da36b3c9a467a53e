import { createHmac } from 'node:crypto';
import type { ReconcileLog } from '../config/reconcile.ts';
import type { GovernanceSection } from '../contract/config.ts';
import { GatewayError } from '../lib/errors.ts';
import { Secret } from '../lib/secret.ts';
import type { Database } from '../store/database.ts';
import type { SettingsStore } from '../store/settings.ts';
import { CONFIG_FILE } from './audit.ts';
import type { AuthConfig } from './auth-config.ts';

interface Work {
  readonly entry: GovernanceSection['auth_config'];
  readonly authConfig: AuthConfig;
  readonly database: Pick<Database, 'transaction'>;
  readonly settings: Pick<SettingsStore, 'get' | 'with'>;
  /** What the entry said last is kept as a digest under this key: it holds a password. */
  readonly key: Buffer;
  readonly log: ReconcileLog;
}

const HASH = 'config_hash.auth_config';

/**
 * Brings `governance.auth_config` of config.json into the database, by the rule of the servers: what is still as it was keeps
 * what was changed since, what has changed wins. So does a variable of the environment with a new password.
 */
export async function reconcileAuthConfig({ entry, authConfig, database, settings, key, log }: Work): Promise<void> {
  if (entry === undefined) return;
  const { admin_username, admin_password, is_enabled } = entry;
  const password = admin_password === undefined ? undefined : Secret.parse(admin_password).resolve();
  const text = JSON.stringify([admin_username, admin_password, password, is_enabled]);
  const hash = createHmac('sha256', key).update(text).digest('hex');
  if ((await settings.get(HASH)) === hash) return log.info('auth_config of config.json: kept');
  try {
    const write = await authConfig.prepare(
      { admin_username, admin_password, is_enabled },
      { actor: CONFIG_FILE, proveFrom: undefined },
    );
    await database.transaction(async (tx) => {
      // First, because the audit trail must come last.
      await settings.with(tx).put(HASH, hash);
      await write?.(tx);
    });
    log.info(`auth_config of config.json: ${write === undefined ? 'kept' : 'updated'}`);
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error;
    log.error(`auth_config of config.json: refused, ${error.message}`);
  }
}
