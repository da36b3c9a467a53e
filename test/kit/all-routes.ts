import { DEFAULT_SETTINGS } from '../../src/contract/config.ts';
import { GatewayError } from '../../src/lib/errors.ts';
import type { ClientRegistry } from '../../src/mcp/registry.ts';
import type { AccountStore } from '../../src/store/accounts.ts';
import type { Changes } from '../../src/store/changes.ts';
import { apiKeyRoutes } from '../../src/http/api/api-keys.ts';
import { configRoutes } from '../../src/http/api/config.ts';
import { mcpClientRoutes } from '../../src/http/api/mcp-clients.ts';
import { governanceRoutes } from '../../src/http/api/governance.ts';
import type { Directory } from '../../src/governance/directory.ts';
import type { Route } from '../../src/http/route.ts';
import { statusRoutes } from '../../src/http/status.ts';

/** A registry without servers, for tests of the layer above it. */
export const emptyRegistry: ClientRegistry = {
  list: () => [],
  get: (id) => unknown(id),
  create: () => Promise.reject(new Error('not in this test')),
  update: async (id) => unknown(id),
  remove: async (id) => unknown(id),
  reconnect: async (id) => unknown(id),
  refreshTools: async (id) => unknown(id),
};

/** A directory that nobody may ask, for tests that only look at routes or are refused before. */
const noDirectory = { keys: {}, teams: {}, customers: {} } as unknown as Directory;

interface Parts {
  readonly registry?: ClientRegistry;
  readonly accounts?: Pick<AccountStore, 'create' | 'list' | 'find' | 'remove'>;
  readonly changes?: Pick<Changes, 'publish'>;
}

const noAccounts = {
  create: () => Promise.reject(new Error('not in this test')),
  list: async () => ({ api_keys: [], total_count: 0 }),
  find: async () => undefined,
  remove: async () => false,
};

/** Every route of the management API, over the parts that a test brings. */
export function allRoutes({ registry = emptyRegistry, accounts = noAccounts, changes }: Parts = {}): Route[] {
  const settings = { loadClientSettings: async () => DEFAULT_SETTINGS, saveClientSettings: async () => {} };
  const publisher = changes ?? { publish: async () => {} };
  return [
    ...mcpClientRoutes(registry),
    ...apiKeyRoutes({ accounts, changes: publisher }),
    ...configRoutes({ settings, changes: publisher }),
    ...governanceRoutes({ directory: noDirectory, identifyKey: () => Promise.reject(new Error('not in this test')) }),
    ...statusRoutes({ ping: async () => {}, version: '1.2.3' }),
  ];
}

function unknown(id: string): never {
  throw new GatewayError('mcp_client_not_found', `MCP client not found: ${id}`);
}
