import { createDirectory } from '../governance/directory.ts';
import { startExpiry } from '../governance/expiry.ts';
import { budgetCounter } from '../governance/limits.ts';
import type { Policy } from '../governance/policy.ts';
import { createApi } from '../http/api.ts';
import { apiKeyRoutes } from '../http/api/api-keys.ts';
import { auditLogRoutes } from '../http/api/audit-logs.ts';
import { configRoutes } from '../http/api/config.ts';
import { explainRoutes } from '../http/api/explain.ts';
import { governanceRoutes } from '../http/api/governance.ts';
import { mcpClientRoutes } from '../http/api/mcp-clients.ts';
import { renderCall } from '../http/api/mcp-log-view.ts';
import { mcpLogRoutes, PREVIEW } from '../http/api/mcp-logs.ts';
import { createCheckOrigin } from '../http/check-origin.ts';
import { createIdentifyMcp } from '../http/identify-mcp.ts';
import { createIdentify, type Identify } from '../http/identify.ts';
import { listen } from '../http/listen.ts';
import { createLiveFeed } from '../http/live-feed.ts';
import { createDispatch } from '../http/mcp-dispatch.ts';
import { createMcpEndpoint } from '../http/mcp.ts';
import { createMeter } from '../http/meter.ts';
import { createMetricsHandler } from '../http/metrics.ts';
import type { Route } from '../http/route.ts';
import { createSseEdge } from '../http/sse-edge.ts';
import { statusRoutes } from '../http/status.ts';
import { createToolExecuteHandler } from '../http/v1/mcp-tool.ts';
import { createSealer } from '../lib/seal.ts';
import { windowAt } from '../lib/window.ts';
import { VERSION } from '../lib/version.ts';
import { clientView } from '../mcp/client-config.ts';
import { createExplain } from '../mcp/explain.ts';
import type { CallEnd, CallStart } from '../store/ledger-rows.ts';
import type { Accounting } from './accounting.ts';
import type { Common } from './common.ts';
import { openInbound } from './inbound.ts';
import type { Servers } from './servers.ts';

interface EdgesOptions extends Common {
  readonly accounting: Accounting;
  readonly policy: Policy;
  readonly servers: Servers;
  readonly host: string;
  readonly port: number;
}

/** What is open to the outside. */
export interface Edges {
  /** Such as `http://127.0.0.1:8080`. */
  readonly address: string;
  /** Connections to the live feed. */
  readonly liveFeedClients: number;
}

const DRAIN_MS = 30_000;

/** Opens the port, with everything that can be asked behind it. */
export async function openEdges(options: EdgesOptions): Promise<Edges> {
  const { stores, changes, settings, logger, cleanup, accounting, policy, servers, host, port } = options;
  const { registry, sessions, subscriptions, server, callTool } = servers;
  const identify = await createIdentify({ accounts: stores.accounts, policy, changes, settings, logger });
  const inbound = openInbound(options);
  const { challenge } = inbound.authority;
  const identifyMcp = createIdentifyMcp({ identify, tokens: inbound.authority, settings });
  const checkOrigin = createCheckOrigin({ host, settings });
  const dispatch = createDispatch({
    server,
    sessions,
    onClientNotification: ({ id }, method, params) => {
      if (method !== 'notifications/roots/list_changed') return;
      for (const { dedicated } of registry.upstreams()) dedicated.notify(id, method, params);
    },
    logger,
  });
  const mcp = createMcpEndpoint({ identifyMcp, challenge, dispatch, sessions, subscriptions, logger });
  const sse = createSseEdge({ identifyMcp, challenge, dispatch, sessions, logger });
  const feed = createLiveFeed<readonly [CallStart, CallEnd | undefined]>({
    identify,
    checkOrigin,
    sealer: createSealer(stores.encryption.deriveKey('ws-ticket')),
    onRow: (listener) =>
      accounting.ledger.onRow((start, end) => listener(end === undefined ? 'create' : 'update', [start, end])),
    render: ([start, end]) => renderCall(start, end, PREVIEW),
    changes,
    logger,
  });
  const routes = [...managementRoutes(options, identify), ...inbound.routes, ...feed.routes];
  const raw = {
    '/mcp': mcp.handle,
    '/sse': sse.handleStream,
    '/messages': sse.handleMessages,
    '/metrics': createMetricsHandler({ metrics: accounting.metrics, identify, logger }),
    '/v1/mcp/tool/execute': createToolExecuteHandler({ callTool, identify, logger }),
    ...inbound.endpoints,
  };
  const listener = await listen({
    host,
    port,
    raw,
    fetch: createApi({ routes, identify: identify.identifyManagement, version: VERSION, logger }).fetch,
    checkOrigin,
    meter: createMeter({ metrics: accounting.metrics, routes, raw: Object.keys(raw) }),
    upgrade: feed.upgrade,
    logger,
  });
  cleanup.defer(() => listener.drain(DRAIN_MS));
  cleanup.defer(() => mcp.close());
  cleanup.defer(() => sse.close());
  cleanup.defer(() => feed.close());
  return {
    address: listener.address,
    get liveFeedClients() {
      return feed.size;
    },
  };
}

function managementRoutes(options: EdgesOptions, identify: Pick<Identify, 'identifyKey'>): Route[] {
  const { stores, changes, settings, logger, cleanup, accounting, policy, servers } = options;
  const { registry, catalog } = servers;
  const { spend, ledger, counters } = accounting;
  const directory = createDirectory({
    database: stores.database,
    stores: stores.governance,
    changes,
    settings,
    usage: counters.usage,
    resetUsage: async (ids) => {
      counters.reset(ids);
      await ledger.flush();
    },
    windowEnd: (budget, at) => windowAt(budgetCounter(budget).spec, at).end,
    describeClient(id) {
      const registered = registry.find(id);
      return registered && clientView(registered.client);
    },
  });
  const expiry = startExpiry({ keys: directory.keys, logger });
  cleanup.defer(() => expiry.stop());
  return [
    ...mcpClientRoutes(registry, (id) => policy.find(id)?.name ?? ''),
    ...explainRoutes({ explain: createExplain({ catalog, spend }), policy }),
    ...governanceRoutes({ directory, identifyKey: identify.identifyKey }),
    ...mcpLogRoutes({ ledger, store: stores.ledger }),
    ...apiKeyRoutes({ ...stores, changes }),
    ...configRoutes({ ...stores, changes }),
    ...auditLogRoutes(stores.audit),
    ...statusRoutes({ ping: () => stores.settings.get('ping'), version: VERSION }),
  ];
}
