import { randomBytes } from 'node:crypto';
import { isAbsolute, resolve } from 'node:path';
import type { ConfigFile } from '../contract/config.ts';
import { createEncryption, KEY_BYTES, type Encryption } from '../lib/encryption.ts';
import { Secret } from '../lib/secret.ts';
import { createAccountStore, type AccountStore } from '../store/accounts.ts';
import { createAuditStore, type AuditStore } from '../store/audit.ts';
import { openDatabase, type Database, type DatabaseOptions } from '../store/database.ts';
import { openEncryption } from '../store/encryption-key.ts';
import { createGovernanceStores, type GovernanceStores } from '../store/governance-stores.ts';
import { openLedgerStore } from '../store/ledger/open-ledger-store.ts';
import type { LedgerStore } from '../store/ledger/ledger-store.ts';
import { createMcpClientStore, type McpClientStore } from '../store/mcp-clients.ts';
import { createSessionStore, type SessionStore } from '../store/sessions.ts';
import { createSettingsStore, type SettingsStore } from '../store/settings.ts';
import { createUserStore, type UserStore } from '../store/users.ts';
import { ledgerOptions } from './ledger-options.ts';

interface OpenOptions {
  readonly file: ConfigFile;
  /** Directory of the database and its key. Absent: everything is kept in memory and gone at the end. */
  readonly appDir: string | undefined;
  readonly passphrase: string | undefined;
  readonly onError: (error: unknown) => void;
}

/** The open database and everything that is kept in it. */
export interface Stores {
  readonly database: Database;
  readonly encryption: Encryption;
  readonly settings: SettingsStore;
  readonly clients: McpClientStore;
  readonly accounts: AccountStore;
  readonly users: UserStore;
  readonly sessions: SessionStore;
  readonly governance: GovernanceStores;
  readonly audit: AuditStore;
  /** In a database of its own; see config/ledger-options.ts. */
  readonly ledger: LedgerStore;
}

/** Opens the database that config.json names, and the key to what is secret in it. On a failure nothing stays open. */
export async function openStores({ file, appDir, passphrase, onError }: OpenOptions): Promise<Stores> {
  const options = databaseOptions(appDir, file);
  const database = await openDatabase(options, onError);
  try {
    const settings = createSettingsStore(database.db);
    const phrase = passphrase ?? Secret.parse(file.encryption_key ?? '').resolve();
    const isKept = options.type === 'postgres' || options.path !== ':memory:';
    const encryption = isKept
      ? await openEncryption({ settings, appDir: appDir ?? '.', passphrase: phrase })
      : createEncryption(randomBytes(KEY_BYTES)); // nothing outlives the process, so its key need not either
    const { db } = database;
    return {
      database,
      encryption,
      settings,
      clients: createMcpClientStore(db, encryption),
      accounts: createAccountStore(db),
      users: createUserStore(db),
      sessions: createSessionStore(db),
      governance: createGovernanceStores(db, encryption),
      audit: createAuditStore(db, encryption.deriveKey('audit')),
      ledger: await openLedgerStore(ledgerOptions(file, appDir), onError),
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Which database config.json names. */
export function databaseOptions(appDir: string | undefined, { config_store: store }: ConfigFile): DatabaseOptions {
  if (store?.type === 'postgres') return { type: 'postgres', config: store.config };
  const path = store?.config?.path ?? 'asbru.db';
  if (path === ':memory:' || appDir === undefined) return { type: 'sqlite', path: ':memory:' };
  return { type: 'sqlite', path: isAbsolute(path) ? path : resolve(appDir, path) };
}
