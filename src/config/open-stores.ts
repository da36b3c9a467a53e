import { randomBytes } from 'node:crypto';
import { isAbsolute, resolve } from 'node:path';
import type { ConfigFile } from '../contract/config.ts';
import { createEncryption, KEY_BYTES, type Encryption } from '../lib/encryption.ts';
import { GatewayError } from '../lib/errors.ts';
import { setSecretFolder } from '../lib/secret-file.ts';
import { Secret } from '../lib/secret.ts';
import { createAccountStore, type AccountStore } from '../store/accounts.ts';
import { createApprovalStore, type ApprovalStore } from '../store/approvals.ts';
import { createKeptResultStore, type KeptResultStore } from '../store/kept-results.ts';
import { createResponseEndStore, type ResponseEndStore } from '../store/response-ends.ts';
import { createAuditStore, type AuditStore } from '../store/audit.ts';
import { createCodeArtifactStore, type CodeArtifactStore } from '../store/code-artifacts.ts';
import { createCodeRunStore, type CodeRunStore } from '../store/code-runs.ts';
import { openDatabase, type Database, type DatabaseOptions } from '../store/database.ts';
import { openEncryption, type OpenedEncryption } from '../store/encryption-key.ts';
import { checkSeal, guardWrites } from '../store/guard-writes.ts';
import { createGovernanceStores, type GovernanceStores } from '../store/governance-stores.ts';
import { createHeaderCredentialStore, type HeaderCredentialStore } from '../store/header-credentials.ts';
import { createMcpClientStore, type McpClientStore } from '../store/mcp-clients.ts';
import { createOAuthStore, type OAuthStore } from '../store/oauth.ts';
import { createSessionStore, type SessionStore } from '../store/sessions.ts';
import { createSettingsStore, type SettingsStore } from '../store/settings.ts';
import type { Siblings } from '../store/siblings.ts';
import { createUserStore, type UserStore } from '../store/users.ts';

interface OpenOptions {
  readonly file: ConfigFile;
  /** Directory of the database and its key. Absent: everything is kept in memory and gone at the end. */
  readonly appDir: string | undefined;
  readonly passphrase: string | undefined;
  /** The other processes on a SQLite database. */
  readonly siblings?: Siblings | undefined;
  readonly onError: (error: unknown) => void;
}

/** The open database and everything that is kept in it. */
export interface Stores {
  readonly database: Database;
  readonly encryption: Encryption;
  /** The same with the seal that it fits; undefined for a database in memory. */
  readonly opened: OpenedEncryption | undefined;
  /** Throws `encryption_key_changed` when another process has rotated the key. */
  readonly checkKey: () => Promise<void>;
  readonly settings: SettingsStore;
  readonly clients: McpClientStore;
  readonly accounts: AccountStore;
  readonly users: UserStore;
  readonly sessions: SessionStore;
  readonly governance: GovernanceStores;
  /** What callers entered for servers that know each of them. */
  readonly headerCredentials: HeaderCredentialStore;
  readonly audit: AuditStore;
  /** Calls that wait for a person. */
  readonly approvals: ApprovalStore;
  /** Runs of code that wait for a person. */
  readonly codeRuns: CodeRunStore;
  readonly codeArtifacts: CodeArtifactStore;
  readonly keptResults: KeptResultStore;
  readonly responseEnds: ResponseEndStore;
  readonly oauth: OAuthStore;
}

/** Opens the database that config.json names, and the key to what is secret in it. On a failure nothing stays open. */
export async function openStores({ file, appDir, passphrase, siblings, onError }: OpenOptions): Promise<Stores> {
  if (appDir !== undefined) setSecretFolder(appDir);
  const phrase = passphrase ?? readPhrase(file);
  const options = databaseOptions(appDir, file);
  const database = await openDatabase(options.type === 'sqlite' ? { ...options, siblings } : options, onError);
  try {
    const settings = createSettingsStore(database.db);
    const isKept = options.type === 'postgres' || options.path !== ':memory:';
    const opened = isKept ? await openEncryption({ settings, appDir: appDir ?? '.', passphrase: phrase }) : undefined;
    // What is kept in memory does not outlive the process, so its key need not either.
    const encryption = opened ?? createEncryption(randomBytes(KEY_BYTES));
    const { db } = database;
    return {
      database: opened === undefined ? database : guardWrites(database, opened),
      encryption,
      opened,
      checkKey: async () => opened && checkSeal(db, database, opened.seal),
      settings,
      clients: createMcpClientStore(db, encryption),
      accounts: createAccountStore(db),
      users: createUserStore(db),
      sessions: createSessionStore(db),
      governance: createGovernanceStores(db, encryption),
      headerCredentials: createHeaderCredentialStore(db, encryption),
      audit: createAuditStore(db, encryption.deriveKey('audit')),
      oauth: createOAuthStore(db, encryption),
      approvals: createApprovalStore(db, encryption),
      codeRuns: createCodeRunStore(db, encryption),
      codeArtifacts: createCodeArtifactStore(db, encryption),
      keptResults: createKeptResultStore(db, encryption),
      responseEnds: createResponseEndStore(db, encryption),
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** A reference that leads to nothing must not pass for "no passphrase": secrets would be under a key nobody chose. */
export function readPhrase({ encryption_key = '' }: ConfigFile): string {
  const secret = Secret.parse(encryption_key);
  if (secret.problem === undefined) return secret.resolve();
  throw new GatewayError('invalid_configuration', `encryption_key: ${secret.problem}`);
}

/** Which database config.json names. */
export function databaseOptions(appDir: string | undefined, { config_store: store }: ConfigFile): DatabaseOptions {
  if (store?.type === 'postgres') return { type: 'postgres', config: store.config };
  const path = store?.config?.path ?? 'asbru.db';
  if (path === ':memory:' || appDir === undefined) return { type: 'sqlite', path: ':memory:' };
  return { type: 'sqlite', path: isAbsolute(path) ? path : resolve(appDir, path) };
}
