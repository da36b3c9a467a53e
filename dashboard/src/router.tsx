import type { QueryClient } from '@tanstack/react-query';
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  Outlet,
  redirect,
} from '@tanstack/react-router';
import type { OwnerKind } from './data/owners.ts';
import { providersQuery } from './data/providers.ts';
import { serverQuery, serversQuery } from './data/servers.ts';
import { authStatusQuery, meQuery } from './data/session.ts';
import { readPlaygroundSearch } from './pages/playground-search.ts';
import { AUDIT_FIELDS, createLogSearch, LLM_LOG_FIELDS, MCP_LOG_FIELDS, readTimeRange } from './pages/logs/search.ts';
import { readSessionFilter } from './pages/credentials/session-search.ts';
import { isKeyTab, type KeyTab } from './pages/virtual-key/draft.ts';
import { readKeyFilter } from './pages/virtual-key/key-search.ts';
import { virtualKeyQuery, virtualKeysQuery } from './data/virtual-keys.ts';
import { readServerFilter, readServerSearch } from './pages/server-search.ts';
import { isSettingsTab, type SettingsTab } from './pages/settings/tabs.ts';
import { Fault } from './shell/error-boundary.tsx';
import { Shell } from './shell/shell.tsx';
import { Skeleton } from './ui/states.tsx';

const root = createRootRouteWithContext<{ queries: QueryClient }>()({ component: Outlet });

const login = createRoute({
  getParentRoute: () => root,
  path: '/login',
  validateSearch: ({ next }): { next?: string } => (typeof next === 'string' && isOwnPath(next) ? { next } : {}),
  component: lazyRouteComponent(() => import('./pages/login.tsx'), 'LoginPage'),
});

const setup = createRoute({
  getParentRoute: () => root,
  path: '/setup',
  component: lazyRouteComponent(() => import('./pages/setup.tsx'), 'SetupPage'),
});

/** Everything behind the sign-in. */
const workspace = createRoute({
  getParentRoute: () => root,
  id: '_app',
  component: Shell,
  async beforeLoad({ context: { queries }, location }) {
    if ((await queries.ensureQueryData(meQuery)) !== null) return;
    queries.removeQueries({ queryKey: meQuery.queryKey });
    const { is_setup_needed } = await queries.fetchQuery(authStatusQuery);
    if (is_setup_needed) throw redirect({ to: '/setup' });
    throw redirect({ to: '/login', search: location.href === '/' ? {} : { next: location.href } });
  },
});

const home = createRoute({
  getParentRoute: () => workspace,
  path: '/',
  async beforeLoad({ context: { queries } }) {
    const servers = await queries.ensureQueryData(serversQuery);
    throw redirect({ to: servers.length === 0 ? '/workspace/start' : '/workspace/mcp-registry' });
  },
});

const start = createRoute({
  getParentRoute: () => workspace,
  path: '/workspace/start',
  component: lazyRouteComponent(() => import('./pages/first-minute.tsx'), 'FirstMinutePage'),
});

const servers = createRoute({
  getParentRoute: () => workspace,
  path: '/workspace/mcp-registry',
  validateSearch: readServerFilter,
  loader: ({ context: { queries } }) => void queries.prefetchQuery(serversQuery),
  component: lazyRouteComponent(() => import('./pages/servers.tsx'), 'ServersPage'),
});

const server = createRoute({
  getParentRoute: () => workspace,
  path: '/workspace/mcp-registry/$id',
  validateSearch: readServerSearch,
  loader: ({ context: { queries }, params }) => void queries.prefetchQuery(serverQuery(params.id)),
  component: lazyRouteComponent(() => import('./pages/server.tsx'), 'ServerPage'),
});

const playground = createRoute({
  getParentRoute: () => workspace,
  path: '/workspace/playground',
  validateSearch: readPlaygroundSearch,
  component: lazyRouteComponent(() => import('./pages/playground.tsx'), 'PlaygroundPage'),
});

const mcpLogs = createRoute({
  getParentRoute: () => workspace,
  path: '/workspace/mcp-logs',
  validateSearch: createLogSearch(MCP_LOG_FIELDS),
  component: lazyRouteComponent(() => import('./pages/mcp-logs.tsx'), 'McpLogsPage'),
});

const llmLogs = createRoute({
  getParentRoute: () => workspace,
  path: '/workspace/logs',
  validateSearch: createLogSearch(LLM_LOG_FIELDS),
  component: lazyRouteComponent(() => import('./pages/llm-logs.tsx'), 'LlmLogsPage'),
});

const overview = createRoute({
  getParentRoute: () => workspace,
  path: '/workspace/dashboard',
  validateSearch: readTimeRange,
  component: lazyRouteComponent(() => import('./pages/overview.tsx'), 'OverviewPage'),
});

const audit = createRoute({
  getParentRoute: () => workspace,
  path: '/workspace/audit-logs',
  validateSearch: createLogSearch(AUDIT_FIELDS),
  component: lazyRouteComponent(() => import('./pages/audit.tsx'), 'AuditPage'),
});

const settings = createRoute({
  getParentRoute: () => workspace,
  path: '/workspace/settings',
  validateSearch: ({ tab }): { tab?: SettingsTab } => (isSettingsTab(tab) ? { tab } : {}),
  component: lazyRouteComponent(() => import('./pages/settings.tsx'), 'SettingsPage'),
});

const virtualKeys = createRoute({
  getParentRoute: () => workspace,
  path: '/workspace/virtual-keys',
  validateSearch: readKeyFilter,
  loader: ({ context: { queries } }) => void queries.prefetchQuery(virtualKeysQuery),
  component: lazyRouteComponent(() => import('./pages/virtual-keys.tsx'), 'VirtualKeysPage'),
});

const virtualKey = createRoute({
  getParentRoute: () => workspace,
  path: '/workspace/virtual-keys/$id',
  validateSearch: ({ tab }): { tab?: KeyTab } => (isKeyTab(tab) ? { tab } : {}),
  loader: ({ context: { queries }, params }) => void queries.prefetchQuery(virtualKeyQuery(params.id)),
  component: lazyRouteComponent(() => import('./pages/virtual-key.tsx'), 'VirtualKeyPage'),
});

const teams = createRoute({
  getParentRoute: () => workspace,
  path: '/workspace/teams',
  validateSearch: ({ tab, id }): { tab?: OwnerKind; id?: string } => ({
    ...(tab === 'teams' || tab === 'customers' ? { tab } : {}),
    ...(typeof id === 'string' ? { id } : {}),
  }),
  component: lazyRouteComponent(() => import('./pages/teams.tsx'), 'TeamsPage'),
});

const approvals = createRoute({
  getParentRoute: () => workspace,
  path: '/workspace/mcp-approvals',
  validateSearch: ({ tab }): { tab?: 'waiting' | 'decided' } => (tab === 'decided' ? { tab } : {}),
  component: lazyRouteComponent(() => import('./pages/approvals.tsx'), 'ApprovalsPage'),
});

const providers = createRoute({
  getParentRoute: () => workspace,
  path: '/workspace/providers',
  loader: ({ context: { queries } }) => void queries.prefetchQuery(providersQuery),
  component: lazyRouteComponent(() => import('./pages/providers.tsx'), 'ProvidersPage'),
});

const provider = createRoute({
  getParentRoute: () => workspace,
  path: '/workspace/providers/$name',
  component: lazyRouteComponent(() => import('./pages/provider.tsx'), 'ProviderPage'),
});

const prices = createRoute({
  getParentRoute: () => workspace,
  path: '/workspace/pricing-overrides',
  component: lazyRouteComponent(() => import('./pages/prices.tsx'), 'PricesPage'),
});

const sessions = createRoute({
  getParentRoute: () => workspace,
  path: '/workspace/mcp-sessions',
  validateSearch: readSessionFilter,
  component: lazyRouteComponent(() => import('./pages/credentials.tsx'), 'CredentialsPage'),
});

const LOGS = [mcpLogs, llmLogs] as const;
const ACCESS = [virtualKeys, virtualKey, teams, providers, provider, prices, approvals, sessions] as const;

/** The router. A new page is a route here and an entry in shell/navigation.ts. */
export function createDashboardRouter(queries: QueryClient) {
  return createRouter({
    routeTree: root.addChildren([
      login,
      setup,
      workspace.addChildren([home, start, servers, server, playground, overview, ...LOGS, audit, settings, ...ACCESS]),
    ]),
    context: { queries },
    defaultErrorComponent: ({ error }) => <Fault error={error} />,
    defaultPendingComponent: () => (
      <div className="p-6">
        <Skeleton />
      </div>
    ),
    defaultNotFoundComponent: () => <Fault error={new Error('There is no such page.')} />,
    defaultPreload: 'intent',
    // Queries know themselves how old they may be.
    defaultPreloadStaleTime: 0,
    scrollRestoration: true,
  });
}

declare module '@tanstack/react-router' {
  interface Register {
    router: ReturnType<typeof createDashboardRouter>;
  }
}

/** A sign-in must not lead to somebody else's page. */
function isOwnPath(text: string): boolean {
  return text.startsWith('/') && new URL(text, location.origin).origin === location.origin;
}
