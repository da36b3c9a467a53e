import { join } from 'node:path';
import { loadInProcessServers } from './config/inprocess.ts';
import { loadConfigFile, parseConfig, type LoadedConfig } from './config/file.ts';
import { openStores } from './config/open-stores.ts';
import { reconcileClients, reconcileSettings } from './config/reconcile.ts';
import type { ClientState, FailureView } from './contract/mcp-client.ts';
import { createCounters } from './governance/counters.ts';
import { createPolicy, isUsable } from './governance/policy.ts';
import { createSpend } from './governance/spend.ts';
import { createApi } from './http/api.ts';
import { CONFIG_FILE } from './governance/audit.ts';
import { saveSettings } from './governance/save-settings.ts';
import { apiKeyRoutes } from './http/api/api-keys.ts';
import { auditLogRoutes } from './http/api/audit-logs.ts';
import { configRoutes } from './http/api/config.ts';
import { explainRoutes } from './http/api/explain.ts';
import { mcpClientRoutes } from './http/api/mcp-clients.ts';
import { createCheckOrigin } from './http/check-origin.ts';
import { createIdentify } from './http/identify.ts';
import { listen } from './http/listen.ts';
import { createDispatch } from './http/mcp-dispatch.ts';
import { createMcpEndpoint } from './http/mcp.ts';
import { createSseEdge } from './http/sse-edge.ts';
import { statusRoutes } from './http/status.ts';
import { createToolExecuteHandler } from './http/v1/mcp-tool.ts';
import { createLogger, type Logger } from './lib/logger.ts';
import { createSealer } from './lib/seal.ts';
import { VERSION } from './lib/version.ts';
import { createBeginRecord } from './mcp/call-record.ts';
import { createCallTool } from './mcp/call-tool.ts';
import { createCatalog } from './mcp/catalog.ts';
import { createExplain } from './mcp/explain.ts';
import { createCommitClient } from './mcp/client-change.ts';
import { fromCreate } from './mcp/client-config.ts';
import { createInputHandles } from './mcp/relay/input-handles.ts';
import { createLegacySessions } from './mcp/legacy-session.ts';
import { createRegistry } from './mcp/registry.ts';
import { createRelay } from './mcp/relay/relay.ts';
import { createMcpServer } from './mcp/server.ts';
import { createSubscriptions } from './mcp/subscriptions.ts';
import { createInProcess, type InProcessServer } from './mcp/transport/in-process.ts';
import { createTasks } from './mcp/tasks.ts';
import { createProcessGuard } from './mcp/transport/process-guard.ts';
import { createOpenDedicated, createVerify } from './mcp/upstream/verify.ts';
import { DEFAULT_TIMING, type Timing } from './mcp/upstream/watch.ts';
import { createChanges } from './store/changes.ts';
import { createFirstKey } from './store/first-key.ts';

export type { InProcessServer };

export interface GatewayOptions {
  /** Address to listen on. Default 127.0.0.1, this machine only. */
  readonly host?: string;
  /** 0 takes any free port. Default 8080. */
  readonly port?: number;
  /** Directory of the database and its key. Absent: everything is kept in memory and gone at the end. */
  readonly appDir?: string;
  /** config.json; it must exist when it is named. */
  readonly configFile?: string | undefined;
  /** The content of a config.json, instead of a file. */
  readonly config?: object;
  /** Encrypts secrets in the database, instead of a key file in `appDir`. */
  readonly passphrase?: string;
  /** The admin key to make on the first start, instead of a random one. */
  readonly apiKey?: string;
  /** In-process servers by name; a client with `connection_type: "inprocess"` names one as its `connection_string`. */
  readonly inprocess?: Readonly<Record<string, InProcessServer>>;
  readonly logger?: Logger;
  /** Makes the name under which clients see a tool or prompt; default `<client>-<name>`. For tests of a single server. */
  readonly nameOf?: (client: string, own: string) => string;
  /** Intervals of health checks and the like. */
  readonly timing?: Partial<Timing>;
}

/** How a registered server came up. */
export interface ServerSummary {
  readonly name: string;
  readonly state: ClientState;
  readonly tools: number;
  readonly failure: FailureView | undefined;
}

export interface Gateway {
  /** Such as `http://127.0.0.1:8080`. */
  readonly address: string;
  /** The admin API key, on the first start only: nothing but its hash is kept. */
  readonly firstApiKey: string | undefined;
  /** Settles when every server has connected, or failed to, for the first time. */
  readonly ready: Promise<readonly ServerSummary[]>;
  /** Lets calls in flight end (30 s at most), then ends all connections and children. */
  close(): Promise<void>;
}

const DRAIN_MS = 30_000;

/** Builds every part and connects them: the only place that knows them all. Resolves when the gateway listens. */
export async function createGateway(options: GatewayOptions = {}): Promise<Gateway> {
  const { host = '127.0.0.1', port = 8080, logger = createLogger({ level: 'warn', style: 'json' }) } = options;
  const timing = { ...DEFAULT_TIMING, ...options.timing };
  const config = await loadConfig(options);
  for (const warning of config.warnings) logger.warn(warning);

  await using cleanup = new AsyncDisposableStack();
  const onError = (error: unknown): void => logger.error({ err: error }, 'background work failed');
  const stores = await openStores({
    file: config.file,
    appDir: options.appDir,
    passphrase: options.passphrase,
    onError,
  });
  cleanup.defer(() => stores.database.close());
  await reconcileSettings({
    settings: config.settings,
    store: stores.settings,
    commit: (write) => saveSettings(stores, CONFIG_FILE, write),
    log: logger,
  });
  await reconcileClients({
    entries: config.clients,
    isFileTheTruth: config.file.source_of_truth === 'config.json',
    store: stores.clients,
    commit: createCommitClient(stores, CONFIG_FILE),
    fromCreate,
    log: logger,
  });
  const firstApiKey = await createFirstKey(stores.accounts, options.apiKey, () => {
    logger.warn('ASBRU_API_KEY is not one of the stored API keys; it is only taken over on the first start');
  });

  const changes = await createChanges(stores.database, onError);
  cleanup.defer(() => changes.close());
  let settings = await stores.settings.loadClientSettings();
  const catalog = createCatalog({
    upstreams: () => registry.upstreams(),
    isUsable: (virtualKey) => {
      const key = policy.find(virtualKey);
      return key !== undefined && isUsable(key);
    },
    ...(options.nameOf && { nameOf: options.nameOf }),
  });
  const policy = await createPolicy({
    keys: stores.virtualKeys,
    teams: stores.teams,
    customers: stores.customers,
    changes,
    onChange: () => catalog.invalidate(),
    onError,
  });
  const identify = await createIdentify({
    accounts: stores.accounts,
    policy,
    changes,
    settings: () => settings,
    logger,
  });

  const guard = createProcessGuard({ warn: (message) => logger.warn(message) });
  cleanup.defer(() => guard.close());
  const inprocess = new Map(
    [...loadInProcessServers(config.file, options.configFile), ...Object.entries(options.inprocess ?? {})].map(
      ([name, server]) => [name, createInProcess(server)] as const,
    ),
  );
  const reach = {
    gateway: { name: 'asbru', version: VERSION },
    guard,
    inprocess,
    silenceMs: timing.probeTimeoutMs,
  };
  const handles = createInputHandles(createSealer(stores.encryption.deriveKey('input-required')), timing);
  const relay = createRelay({ settings: () => settings, handles, answerMs: timing.answerMs });
  const tasks = createTasks({
    sealer: createSealer(stores.encryption.deriveKey('tasks'), { isDeterministic: true }),
    relay,
    upstreams: () => registry.upstreams(),
  });
  const registry = createRegistry({
    database: stores.database,
    store: stores.clients,
    grants: stores.grants,
    hasVirtualKey: (id) => policy.find(id) !== undefined,
    changes,
    audit: stores.audit,
    verify: createVerify(reach, timing),
    openDedicated: createOpenDedicated(reach, timing),
    timing,
    settings: () => settings,
    logger,
    onChange: () => catalog.invalidate(),
    onNotification: (upstream, notification) => subscriptions.onUpstream(upstream, notification),
    saveKnown: (id, known) => void stores.clients.saveKnown(id, known).catch(onError),
  });
  const subscriptions = createSubscriptions({ catalog, tasks });
  cleanup.defer(() => registry.stop());
  changes.subscribe(async (table) => {
    if (table !== 'settings') return;
    settings = await stores.settings.loadClientSettings();
    registry.applySettings();
  });
  await registry.load();

  const counters = createCounters({ charge: () => {} });
  const spend = createSpend({ counters });
  const beginRecord = createBeginRecord({
    ledger: { begin: () => ({ end() {} }) },
    settings: () => settings,
    onEnd: () => {},
  });
  const callTool = createCallTool({ catalog, relay, tasks, spend, beginRecord });
  const server = createMcpServer({ catalog, callTool, relay, subscriptions, tasks, version: VERSION });
  const sessions = createLegacySessions({
    sealer: createSealer(stores.encryption.deriveKey('mcp-session')),
    onOpen: (session) => subscriptions.addSession(session),
    onEnd: ({ id }) => {
      subscriptions.endSession(id);
      for (const { dedicated } of registry.upstreams()) dedicated.end(id);
    },
  });
  const dispatch = createDispatch({
    server,
    sessions,
    onClientNotification: ({ id }, method, params) => {
      if (method !== 'notifications/roots/list_changed') return;
      for (const { dedicated } of registry.upstreams()) dedicated.notify(id, method, params);
    },
    logger,
  });
  const mcp = createMcpEndpoint({ identify, dispatch, sessions, subscriptions, logger });
  const sse = createSseEdge({ identify, dispatch, sessions, logger });
  const api = createApi({
    routes: [
      ...mcpClientRoutes(registry, (id) => policy.find(id)?.name ?? ''),
      ...explainRoutes({ explain: createExplain({ catalog, spend }), policy }),
      ...apiKeyRoutes({ ...stores, changes }),
      ...configRoutes({ ...stores, changes }),
      ...auditLogRoutes(stores.audit),
      ...statusRoutes({ ping: () => stores.settings.get('ping'), version: VERSION }),
    ],
    identify: identify.identifyManagement,
    version: VERSION,
    logger,
  });
  const listener = await listen({
    host,
    port,
    raw: {
      '/mcp': mcp.handle,
      '/sse': sse.handleStream,
      '/messages': sse.handleMessages,
      '/v1/mcp/tool/execute': createToolExecuteHandler({ callTool, identify, logger }),
    },
    fetch: api.fetch,
    checkOrigin: createCheckOrigin({ host, settings: () => settings }),
    logger,
  });

  cleanup.defer(() => listener.drain(DRAIN_MS));
  cleanup.defer(() => mcp.close());
  cleanup.defer(() => sse.close());
  const running = cleanup.move();
  let closing: Promise<void> | undefined;
  return {
    address: listener.address,
    firstApiKey,
    ready: registry.settled().then(() => registry.list().map(summarize)),
    close: () => (closing ??= running.disposeAsync()),
  };
}

function loadConfig({ config, configFile, appDir }: GatewayOptions): Promise<LoadedConfig> {
  if (config !== undefined) return Promise.resolve(parseConfig(JSON.stringify(config)));
  if (configFile !== undefined) return loadConfigFile(configFile, { isNamed: true });
  return appDir === undefined
    ? Promise.resolve(parseConfig('{}'))
    : loadConfigFile(join(appDir, 'config.json'), { isNamed: false });
}

function summarize(registered: {
  client: { name: string };
  state: ClientState;
  tools: readonly unknown[];
  lastFailure: FailureView | undefined;
}): ServerSummary {
  const { client, state, tools, lastFailure } = registered;
  return { name: client.name, state, tools: tools.length, failure: lastFailure };
}
