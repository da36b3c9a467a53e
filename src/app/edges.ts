import { describeChange } from '../governance/audit.ts';
import { createDirectory } from '../governance/directory.ts';
import { startExpiry } from '../governance/expiry.ts';
import { createProviderEditor } from '../governance/provider-editor.ts';
import { budgetCounter } from '../governance/limits.ts';
import type { Policy } from '../governance/policy.ts';
import { createPricingOverrides } from '../governance/pricing-overrides.ts';
import { createApi } from '../http/api.ts';
import { approvalRoutes } from '../http/api/approvals.ts';
import { apiKeyRoutes } from '../http/api/api-keys.ts';
import { auditLogRoutes } from '../http/api/audit-logs.ts';
import { configRoutes } from '../http/api/config.ts';
import { diagnoseRoutes } from '../http/api/diagnose.ts';
import { explainRoutes } from '../http/api/explain.ts';
import { governanceRoutes, withUsage } from '../http/api/governance.ts';
import { llmLogRoutes } from '../http/api/llm-logs.ts';
import { clientHealthRoutes } from '../http/api/client-health.ts';
import { mcpClientRoutes } from '../http/api/mcp-clients.ts';
import { mcpLogRoutes } from '../http/api/mcp-logs.ts';
import { modelRoutes } from '../http/api/models.ts';
import { oauthCallbackRoutes } from '../http/api/oauth-callback.ts';
import { mcpSessionRoutes } from '../http/api/mcp-sessions.ts';
import { providerRoutes } from '../http/api/providers.ts';
import { pricingOverrideRoutes } from '../http/api/pricing-overrides.ts';
import { createCheckOrigin } from '../http/check-origin.ts';
import { createServeDashboard } from '../http/dashboard.ts';
import { createIdentifyMcp } from '../http/identify-mcp.ts';
import { createIdentifyPage } from '../http/identify-page.ts';
import { createIdentify, type Identify } from '../http/identify.ts';
import { listen } from '../http/listen.ts';
import { createLiveFeed } from '../http/live-feed.ts';
import { createDispatch } from '../http/mcp-dispatch.ts';
import { createMcpEndpoint } from '../http/mcp.ts';
import type { AskOthers } from '../http/nodes/ask-others.ts';
import { ROWS_PATH } from '../http/nodes/peer-rows.ts';
import { createOriginOf } from '../http/origin.ts';
import { createMeter } from '../http/meter.ts';
import { createMetricsHandler } from '../http/metrics.ts';
import { createSignInPage } from '../http/pages/mcp-sign-in.ts';
import type { Route } from '../http/route.ts';
import { createSseEdge } from '../http/sse-edge.ts';
import type { Readiness } from '../http/readiness.ts';
import { statusRoutes } from '../http/status.ts';
import { createInferenceHandlers } from '../http/v1/inference.ts';
import { createModelsHandlers } from '../http/v1/models.ts';
import { createToolExecuteHandler } from '../http/v1/mcp-tool.ts';
import { createSealer } from '../lib/seal.ts';
import { windowAt } from '../lib/window.ts';
import { VERSION } from '../lib/version.ts';
import { clientView } from '../mcp/client-config.ts';
import type { OAuth } from '../mcp/oauth/oauth.ts';
import { createSignIns } from '../mcp/sign-in.ts';
import { createExplain } from '../mcp/explain.ts';
import { openAccounts, type AccountParts } from './accounts.ts';
import type { Accounting } from './accounting.ts';
import type { Common } from './common.ts';
import { feedSources, isGoneFrom } from './feed-sources.ts';
import { openInbound } from './inbound.ts';
import type { Models } from './models.ts';
import { createNodes } from './nodes.ts';
import type { Metrics } from '../telemetry/metrics.ts';
import { renewEverywhere, renewForPeers } from './renew-everywhere.ts';
import type { Servers } from './servers.ts';
import { createWholeLedger, ledgerForPeers } from './whole-ledger.ts';

interface EdgesOptions extends Common {
  readonly accounting: Accounting;
  readonly policy: Policy;
  readonly servers: Servers;
  readonly models: Models;
  readonly oauth: OAuth;
  readonly host: string;
  readonly port: number;
  /** Where other nodes reach this one, if that cannot be told from `host`. */
  readonly nodeAddress: string | undefined;
  /** Makes of the metrics of this process those of all workers. */
  readonly shareMetrics: ((own: Metrics['render']) => Metrics['render']) | undefined;
  /** The socket of the process that runs servers on stdio for all workers. */
  readonly stdioHost: string | undefined;
  /** What lets somebody make the first admin account, if it comes from the environment. */
  readonly setupToken: string | undefined;
  readonly readiness: Readiness;
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
  const { stores, changes, cluster, settings, logger, cleanup, accounting, policy, servers, host, port } = options;
  const { registry, sessions, subscriptions, server, callTool, homes } = servers;
  const nodes = createNodes(options);
  const elsewhere = nodes?.elsewhere;
  const identify = await createIdentify({ accounts: stores.accounts, policy, changes, settings, logger });
  const accounts = await openAccounts({ ...options, identify });
  const { identifyManager } = accounts;
  const inbound = await openInbound({ ...options, elsewhere, signIn: accounts.signIn });
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
  const identifyPage = createIdentifyPage({ identifyMcp, identifyManager, settings });
  const common = { challenge, dispatch, sessions, subscriptions, elsewhere, logger };
  const mcp = createMcpEndpoint({ ...common, identify: identifyPage, homes });
  const sseSealer = createSealer(stores.encryption.deriveKey('sse-stream'));
  const sse = createSseEdge({ ...common, identifyMcp, node: cluster?.node, sealer: sseSealer });
  const feed = createLiveFeed({
    identify: { identifyManagement: identifyManager },
    checkOrigin,
    sealer: createSealer(stores.encryption.deriveKey('ws-ticket')),
    sources: feedSources(accounting.ledger, isGoneFrom(policy)),
    changes,
    peers: nodes?.peerRows,
    logger,
  });
  const render = options.shareMetrics?.(accounting.metrics.render) ?? accounting.metrics.render;
  await nodes?.open({
    '/mcp': mcp.handle,
    '/messages': sse.handleMessages,
    [ROWS_PATH]: feed.rowsForPeers.handle,
    ...ledgerForPeers(accounting.ledger),
    ...renewForPeers(registry, options.stdioHost),
    ...inbound.forPeers,
  });
  const routes = [
    ...managementRoutes(options, { ...identify, ...accounts }, nodes?.askOthers),
    ...inbound.routes,
    ...feed.routes,
  ];
  const hot = {
    '/mcp': mcp.handle,
    '/messages': sse.handleMessages,
    ...createInferenceHandlers({ ...options.models, identify, settings, logger }),
    '/v1/mcp/tool/execute': createToolExecuteHandler({ callTool, identify, logger }),
  };
  const raw = {
    '/sse': sse.handleStream,
    '/metrics': createMetricsHandler({ metrics: { render }, identify, identifyManager, logger }),
    ...createModelsHandlers({ listModels: options.models.listModels, identify, logger }),
    '/workspace/mcp-sessions/auth': createSignInPage({
      ...servers.personal,
      identify,
      settings,
      sealer: createSealer(stores.encryption.deriveKey('mcp-form')),
      logger,
    }),
    ...inbound.endpoints,
  };
  const listener = await listen({
    host,
    port,
    hot,
    raw,
    fetch: createApi({
      routes,
      identify: identifyManager,
      version: VERSION,
      serveDashboard: createServeDashboard(),
      logger,
    }).fetch,
    checkOrigin,
    isEnding: () => options.readiness.isEnding,
    meter: createMeter({ metrics: accounting.metrics, routes, raw: Object.keys({ ...hot, ...raw }) }),
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

function managementRoutes(
  options: EdgesOptions,
  who: Pick<Identify, 'identifyKey'> & AccountParts,
  askOthers: AskOthers | undefined,
): Route[] {
  const { stores, changes, settings, logger, cleanup, accounting, policy, servers } = options;
  const { registry, catalog } = servers;
  const { spend, ledger, ledgerStore, counters } = accounting;
  const whole = createWholeLedger(ledger, askOthers);
  const directory = createDirectory({
    database: stores.database,
    stores: stores.governance,
    audit: stores.audit,
    changes,
    settings,
    usage: counters.usage,
    resetUsage: async (ids) => {
      // What is not known here cannot be taken back.
      await whole.flush();
      await ledger.refresh();
      counters.reset(ids);
      await ledger.flush();
      await whole.teach();
    },
    windowEnd: (budget, at) => windowAt(budgetCounter(budget).spec, at).end,
    describeClient(id) {
      const registered = registry.find(id);
      return registered && clientView(registered.client);
    },
  });
  const expiry = startExpiry({ dialect: stores.database.dialect, keys: directory.keys, logger });
  cleanup.defer(() => expiry.stop());
  return [
    ...mcpClientRoutes({
      registry: renewEverywhere(registry, askOthers, options.stdioHost),
      nameOfKey: (id) => policy.find(id)?.name ?? '',
      signIns: createSignIns({
        registry,
        oauth: options.oauth,
        record: (actor, change) =>
          stores.database.transaction((tx) => stores.audit.with(tx).append(describeChange(actor, change))),
      }),
      originOf: createOriginOf(settings),
    }),
    ...clientHealthRoutes(registry),
    ...approvalRoutes(servers.approvals),
    ...mcpSessionRoutes({ ...servers.personal, originOf: createOriginOf(settings) }),
    ...diagnoseRoutes({ registry, oauth: options.oauth }),
    ...explainRoutes({ explain: createExplain({ catalog, spend }), policy }).map((each) =>
      withUsage(each, whole.learn),
    ),
    ...governanceRoutes({ directory, identifyKey: who.identifyKey, learnUsage: whole.learn }),
    ...providerRoutes(createProviderEditor({ ...stores, stores: stores.governance, changes })),
    ...modelRoutes(options.models.findModels),
    ...mcpLogRoutes({ ...stores, ledger: whole, store: ledgerStore }),
    ...llmLogRoutes({ ...stores, ledger: whole, store: ledgerStore, isGone: isGoneFrom(policy) }),
    ...pricingOverrideRoutes(createPricingOverrides({ ...stores, prices: stores.governance.prices, changes })),
    ...apiKeyRoutes({ ...stores, changes }),
    ...configRoutes({ ...stores, changes, ...who }),
    ...who.routes,
    ...auditLogRoutes(stores.audit),
    ...oauthCallbackRoutes({ ...stores, oauth: options.oauth, logger }),
    ...statusRoutes({ ping: () => stores.settings.get('ping'), readiness: options.readiness, version: VERSION }),
  ];
}
