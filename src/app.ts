import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createAccounting } from './app/accounting.ts';
import { bringInConfig } from './app/bring-in-config.ts';
import { openCluster } from './app/cluster.ts';
import { openEdges } from './app/edges.ts';
import { openOAuth } from './app/oauth.ts';
import { openModels } from './app/models.ts';
import { createServers } from './app/servers.ts';
import { openSettings } from './app/settings.ts';
import { loadConfigFile, parseConfig, type LoadedConfig } from './config/file.ts';
import { loadInProcessServers } from './config/inprocess.ts';
import { ledgerOptions } from './config/ledger-options.ts';
import { openStores } from './config/open-stores.ts';
import type { ClientState, FailureView } from './contract/mcp-client.ts';
import { createPolicy } from './governance/policy.ts';
import { createReadiness } from './http/readiness.ts';
import { createEgress } from './lib/egress.ts';
import { createLogger, type Logger } from './lib/logger.ts';
import type { InProcessServer } from './mcp/transport/in-process.ts';
import { DEFAULT_TIMING, type Timing } from './mcp/upstream/watch.ts';
import { runInTurn } from './store/alone.ts';
import { openLedgerStore } from './store/ledger/open-ledger-store.ts';
import { createFirstKey } from './store/first-key.ts';
import type { Siblings } from './store/siblings.ts';

export type { InProcessServer };

export interface GatewayOptions {
  /** Address to listen on. Default 127.0.0.1, this machine only. */
  readonly host?: string;
  /** 0 takes any free port. Default 8080. */
  readonly port?: number;
  /** Where other nodes on the same PostgreSQL reach this one, `host` or `host:port`, if that cannot be told from `host`. */
  readonly nodeAddress?: string | undefined;
  /**
   * The other processes that the same supervisor runs as this gateway, on one `appDir`; without them a SQLite database is taken
   * for this process's own.
   */
  readonly siblings?: Siblings | undefined;
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
  /** What lets somebody make the first admin account, instead of `setup_token` of config.json. */
  readonly setupToken?: string | undefined;
  /** Seconds between "not ready" and the end of the port, for a balancer to notice. Default 0. */
  readonly drainGrace?: number;
  /** Makes of the way to render the metrics of this process the way to render those of all workers. */
  readonly shareMetrics?: (own: () => Promise<string>) => () => Promise<string>;
  /** In-process servers by name; a client with `connection_type: "inprocess"` names one as its `connection_string`. */
  readonly inprocess?: Readonly<Record<string, InProcessServer>>;
  /** The socket of a stdio host (`startStdioHost`), which runs each stdio server once for all gateways of a machine. */
  readonly stdioHost?: string | undefined;
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
  /** Lets calls in flight end (30 s at most), then ends all connections and children. `grace` beats a shorter `drainGrace`. */
  close(grace?: number): Promise<void>;
}

/** For so long a start waits for servers before it is called ready. */
const FIRST_CHANCE_MS = 10_000;

/** Builds every part and connects them. Resolves when the gateway listens. */
export async function createGateway(options: GatewayOptions = {}): Promise<Gateway> {
  const { host = '127.0.0.1', port = 8080, logger = createLogger({ level: 'warn', style: 'json' }) } = options;
  const timing = { ...DEFAULT_TIMING, ...options.timing };
  const config = await loadConfig(options);
  for (const warning of config.warnings) logger.warn(warning);

  // Closed in the opposite order: what was opened first is needed longest.
  await using cleanup = new AsyncDisposableStack();
  const onError = (error: unknown): void => logger.error({ err: error }, 'background work failed');
  const { appDir, passphrase, siblings } = options;
  // Its thread takes a while to start, so it starts while the rest is opened.
  const opening = openLedgerStore(ledgerOptions(config.file, appDir, siblings), onError);
  // Awaited further down, which may be after it has failed: until then the failure is nobody's.
  const opened = opening.catch(() => undefined);
  cleanup.defer(async () => (await opened)?.close());
  const stores = await openStores({ file: config.file, appDir, passphrase, siblings, onError });
  cleanup.defer(() => stores.database.close());
  const { changed, firstApiKey } = await runInTurn(stores.database.dialect, 'start', async () => ({
    changed: await bringInConfig({ config, stores, ledger: opening, log: logger }),
    firstApiKey: await createFirstKey(stores.accounts, options.apiKey, () => {
      logger.warn('ASBRU_API_KEY is not one of the stored API keys; it is only taken over on the first start');
    }),
  }));

  const { changes, cluster } = await openCluster(stores, onError);
  cleanup.defer(() => changes.close());
  // Those that run already have read what was there before.
  for (const table of changed) await changes.publish(table, '*');
  // Other processes may tell of changes before there is anything to bring up to date.
  let onSettings = (): void => {};
  const settings = await openSettings({ stores, changes, onChange: () => onSettings(), onError });
  const egress = createEgress({ settings });
  const shared = { stores, changes, cluster, settings, egress, timing, logger, onError, cleanup };
  const common = { file: config.file, ...shared };
  const oauth = await openOAuth(common);
  let onPolicyChange = (): void => {};
  const policy = await createPolicy({ ...stores.governance, changes, onChange: () => onPolicyChange(), onError });
  const accounting = await createAccounting({
    ...common,
    store: await opening,
    sources: {
      servers: () => servers.registry.list(),
      callsInFlight: () => servers.records.inFlight,
      liveFeedClients: () => edges.liveFeedClients,
      providerKeys: () => models.listKeyStates(),
      keyRotations: () => models.keyRotations,
    },
    isGone: ({ virtual_key_id: key, client_id: server }) =>
      (key !== undefined && policy.find(key) === undefined) ||
      (server !== undefined && servers.registry.find(server) === undefined),
  });
  const inprocess = {
    ...Object.fromEntries(loadInProcessServers(config.file, options.configFile)),
    ...options.inprocess,
  };
  const { nameOf, stdioHost } = options;
  const servers = createServers({ ...common, accounting, policy, oauth, inprocess, stdioHost, nameOf });
  onPolicyChange = () => servers.catalog.invalidate();
  onSettings = () => servers.registry.applySettings();
  cleanup.defer(
    oauth.onChanged(({ client_id, mode }) => {
      // What a person does changes nothing of the connection that all share.
      if (mode === 'shared' || mode === 'admin') servers.registry.wake(client_id);
    }),
  );
  await servers.personal.load();
  await servers.registry.load();
  const models = await openModels({ ...common, accounting, servers });
  const { setupToken, nodeAddress, shareMetrics, drainGrace = 0 } = options;
  const readiness = createReadiness({ ping: () => stores.settings.get('ping') });
  const way = { host, port, nodeAddress, shareMetrics, setupToken, readiness };
  const edges = await openEdges({ ...common, accounting, policy, servers, models, oauth, stdioHost, ...way });

  const settled = servers.registry.settled();
  // Servers get their first chance before a balancer sends calls; one that is down must not keep the node out.
  void Promise.race([settled, sleep(FIRST_CHANCE_MS, undefined, { ref: false })]).then(() => readiness.begin());
  const running = cleanup.move();
  let closing: Promise<void> | undefined;
  const close = async (grace: number): Promise<void> => {
    readiness.end();
    await cluster?.drain().catch(onError);
    await sleep(Math.max(drainGrace, grace) * 1000);
    await running.disposeAsync();
  };
  return {
    address: edges.address,
    firstApiKey,
    ready: settled.then(() => servers.registry.list().map(summarize)),
    close: (grace = 0) => (closing ??= close(grace)),
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
