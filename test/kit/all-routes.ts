import { DEFAULT_SETTINGS } from '../../src/contract/client-settings.ts';
import { GatewayError } from '../../src/lib/errors.ts';
import { createSignIns, type SignIns } from '../../src/mcp/sign-in.ts';
import { createLogger } from '../../src/lib/logger.ts';
import type { ClientRegistry } from '../../src/mcp/registry.ts';
import type { AccountStore } from '../../src/store/accounts.ts';
import type { Changes } from '../../src/store/changes.ts';
import { apiKeyRoutes } from '../../src/http/api/api-keys.ts';
import { approvalRoutes } from '../../src/http/api/approvals.ts';
import { auditLogRoutes } from '../../src/http/api/audit-logs.ts';
import { configRoutes } from '../../src/http/api/config.ts';
import { mcpClientRoutes } from '../../src/http/api/mcp-clients.ts';
import { modelRoutes } from '../../src/http/api/models.ts';
import { oauthCallbackRoutes } from '../../src/http/api/oauth-callback.ts';
import { mcpSessionRoutes } from '../../src/http/api/mcp-sessions.ts';
import type { HeaderForms } from '../../src/mcp/personal/header-forms.ts';
import type { PersonalSignIns } from '../../src/mcp/personal/sign-ins.ts';
import type { PersonalSessions } from '../../src/mcp/personal/sessions.ts';
import { governanceRoutes } from '../../src/http/api/governance.ts';
import { providerRoutes } from '../../src/http/api/providers.ts';
import type { ProviderEditor } from '../../src/governance/provider-editor.ts';
import type { Accounts } from '../../src/governance/accounts.ts';
import type { Directory } from '../../src/governance/directory.ts';
import { sessionRoutes } from '../../src/http/api/session.ts';
import { ssoRoutes } from '../../src/http/api/sso.ts';
import { userRoutes } from '../../src/http/api/users.ts';
import { createBrowser } from '../../src/http/browser.ts';
import type { Route } from '../../src/http/route.ts';
import { statusRoutes } from '../../src/http/status.ts';

/** A registry without servers, for tests of the layer above it. */
export const emptyRegistry: ClientRegistry = {
  list: () => [],
  find: () => undefined,
  get: (id) => unknown(id),
  health: (id) => unknown(id),
  create: () => Promise.reject(new Error('not in this test')),
  update: async (id) => unknown(id),
  register: () => Promise.reject(new Error('not in this test')),
  checkFree: () => {},
  wake: () => {},
  remove: async (id) => unknown(id),
  reconnect: async (id) => unknown(id),
  refreshTools: async (id) => unknown(id),
  renew: async (id) => unknown(id),
  verifyHeaders: async (id) => unknown(id),
  verifyExchange: async (id) => unknown(id),
};

/** A directory that nobody may ask, for tests that only look at routes or are refused before. */
const noDirectory = { keys: {}, teams: {}, customers: {} } as unknown as Directory;

/** Nobody has credentials of their own, and nobody may ask. */
const nobody = {
  sessions: {} as PersonalSessions,
  forms: {} as HeaderForms,
  signIns: {} as PersonalSignIns,
  originOf: () => '',
  links: { opens: () => false },
};
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
/** Knows no configuration and no sign-in. */
const noOAuth: Parameters<typeof oauthCallbackRoutes>[0]['oauth'] = {
  finish: async () => missing(),
  statusOf: async () => missing(),
  revoke: async () => missing(),
  published: async () => {},
  clientDocument: () => undefined,
};
/** No call ever wanted approval. */
const noApprovals: Parameters<typeof approvalRoutes>[0] = {
  list: async () => ({ approvals: [], total_count: 0 }),
  get: async () => missing(),
  decide: async () => missing(),
};
const silent = createLogger({ level: 'silent', style: 'json' });
const noDatabase = {
  dialect: { type: 'sqlite' as const },
  transaction: () => Promise.reject(new Error('not in this test')),
};
const noAudit = {
  with: () => notHere(),
  list: async () => ({ audit_logs: [], total_count: 0 }),
  find: async () => undefined,
  verify: async () => ({ is_intact: true, entries: 0, head: '' }),
};

/** Sign-ins for tests in which nobody signs in. */
function signInsOf(registry: ClientRegistry): SignIns {
  const refuse = () => Promise.reject(new Error('not in this test'));
  const oauth = { beginAdmin: refuse, configOf: refuse, pendingOf: refuse, adopt: refuse, published: refuse };
  return createSignIns({ registry, oauth, record: refuse });
}

/** Every route of the management API, over the parts that a test brings. */
export function allRoutes({ registry = emptyRegistry, accounts = noAccounts, changes }: Parts = {}): Route[] {
  const settings = { loadClientSettings: async () => DEFAULT_SETTINGS, with: () => notHere() };
  const publisher = changes ?? { publish: async () => {} };
  return [
    ...mcpClientRoutes({
      registry,
      nameOfKey: (id) => id,
      signIns: signInsOf(registry),
      originOf: () => 'http://gateway',
    }),
    ...mcpSessionRoutes(nobody),
    ...apiKeyRoutes({ accounts, changes: publisher, database: noDatabase, audit: noAudit }),
    ...approvalRoutes(noApprovals),
    ...configRoutes({ settings, changes: publisher, database: noDatabase, audit: noAudit, ...noSignIn }),
    ...userRoutes(noUsers),
    ...sessionRoutes({ ...noSignIn, settings: () => DEFAULT_SETTINGS, sso: noSso }),
    ...ssoRoutes({ ...noSignIn, sso: noSso, logger: createLogger({ level: 'silent', style: 'json' }) }),
    ...auditLogRoutes(noAudit),
    ...oauthCallbackRoutes({ oauth: noOAuth, database: noDatabase, audit: noAudit, logger: silent }),
    ...governanceRoutes({ directory: noDirectory, identifyKey: () => Promise.reject(new Error('not in this test')) }),
    ...providerRoutes({} as ProviderEditor),
    ...modelRoutes(async () => ({ models: [], total: 0, problems: [] })),
    ...statusRoutes({ ping: async () => {}, readiness: { check: async () => 'ok' }, version: '1.2.3' }),
  ];
}

function missing(): never {
  throw new GatewayError('not_found', 'there is none');
}

function notHere(): never {
  throw new Error('not in this test');
}

function unknown(id: string): never {
  throw new GatewayError('mcp_client_not_found', `MCP client not found: ${id}`);
}
