import { DEFAULT_SETTINGS } from '../../src/contract/config.ts';
import { GatewayError } from '../../src/lib/errors.ts';
import type { ClientRegistry } from '../../src/mcp/registry.ts';
import type { AccountStore } from '../../src/store/accounts.ts';
import type { Changes } from '../../src/store/changes.ts';
import { apiKeyRoutes } from '../../src/http/api/api-keys.ts';
import { auditLogRoutes } from '../../src/http/api/audit-logs.ts';
import { configRoutes } from '../../src/http/api/config.ts';
import { mcpClientRoutes } from '../../src/http/api/mcp-clients.ts';
import { governanceRoutes } from '../../src/http/api/governance.ts';
import type { Accounts } from '../../src/governance/accounts.ts';
import type { Directory } from '../../src/governance/directory.ts';
import { sessionRoutes } from '../../src/http/api/session.ts';
import { ssoRoutes } from '../../src/http/api/sso.ts';
import { userRoutes } from '../../src/http/api/users.ts';
import { createBrowser } from '../../src/http/browser.ts';
import { createLogger } from '../../src/lib/logger.ts';
import type { Route } from '../../src/http/route.ts';
import { statusRoutes } from '../../src/http/status.ts';

/** A registry without servers, for tests of the layer above it. */
export const emptyRegistry: ClientRegistry = {
  list: () => [],
  find: () => undefined,
  get: (id) => unknown(id),
  create: () => Promise.reject(new Error('not in this test')),
  update: async (id) => unknown(id),
  remove: async (id) => unknown(id),
  reconnect: async (id) => unknown(id),
  refreshTools: async (id) => unknown(id),
};

/** A directory that nobody may ask, for tests that only look at routes or are refused before. */
const noDirectory = { keys: {}, teams: {}, customers: {} } as unknown as Directory;

/** Nobody has an account, nobody can make one. */
const noUsers: Accounts = {
  list: async () => ({ users: [], total_count: 0 }),
  get: async () => notHere(),
  hasAdmin: async () => false,
  setUp: async () => notHere(),
  create: async () => notHere(),
  update: async () => notHere(),
  remove: async () => notHere(),
  changePassword: async () => notHere(),
};
const noSignIn = {
  accounts: noUsers,
  users: { find: async () => undefined },
  signIn: {
    isPossible: async () => false,
    checkPassword: async () => notHere(),
    checkBasic: async () => notHere(),
    open: async () => notHere(),
    find: async () => undefined,
    close: async () => undefined,
  },
  browser: createBrowser({ trustedProxies: [], settings: () => DEFAULT_SETTINGS, csrfKey: Buffer.alloc(32) }),
  authConfig: { view: async () => undefined, prepare: async () => notHere(), publish: async () => {} },
  checkSetupToken: async () => {
    throw new GatewayError('unauthorized', 'not in this test');
  },
  admit: async () => notHere(),
};
const noSso = { begin: async () => notHere(), finish: async () => notHere(), endSessionUrl: async () => undefined };

interface Parts {
  readonly registry?: ClientRegistry;
  readonly accounts?: Pick<AccountStore, 'with' | 'list' | 'find'>;
  readonly changes?: Pick<Changes, 'publish'>;
}

const noAccounts = {
  with: () => notHere(),
  list: async () => ({ api_keys: [], total_count: 0 }),
  find: async () => undefined,
};
const noDatabase = { transaction: () => Promise.reject(new Error('not in this test')) };
const noAudit = {
  with: () => notHere(),
  list: async () => ({ audit_logs: [], total_count: 0 }),
  find: async () => undefined,
  verify: async () => ({ is_intact: true, entries: 0, head: '' }),
};

/** Every route of the management API, over the parts that a test brings. */
export function allRoutes({ registry = emptyRegistry, accounts = noAccounts, changes }: Parts = {}): Route[] {
  const settings = { loadClientSettings: async () => DEFAULT_SETTINGS, with: () => notHere() };
  const publisher = changes ?? { publish: async () => {} };
  return [
    ...mcpClientRoutes(registry, (id) => id),
    ...apiKeyRoutes({ accounts, changes: publisher, database: noDatabase, audit: noAudit }),
    ...configRoutes({ settings, changes: publisher, database: noDatabase, audit: noAudit, ...noSignIn }),
    ...userRoutes(noUsers),
    ...sessionRoutes({ ...noSignIn, settings: () => DEFAULT_SETTINGS, sso: noSso }),
    ...ssoRoutes({ ...noSignIn, sso: noSso, logger: createLogger({ level: 'silent', style: 'json' }) }),
    ...auditLogRoutes(noAudit),
    ...governanceRoutes({ directory: noDirectory, identifyKey: () => Promise.reject(new Error('not in this test')) }),
    ...statusRoutes({ ping: async () => {}, version: '1.2.3' }),
  ];
}

function notHere(): never {
  throw new Error('not in this test');
}

function unknown(id: string): never {
  throw new GatewayError('mcp_client_not_found', `MCP client not found: ${id}`);
}
