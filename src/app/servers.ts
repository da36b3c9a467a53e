import { createArtifacts } from '../code/artifacts.ts';
import { createCodeMode, type CodeModeDeps } from '../code/code-mode.ts';
import { createKeptRuns } from '../code/kept-runs.ts';
import { createSandbox } from '../code/sandbox.ts';
import type { Policy } from '../governance/policy.ts';
import { isUsable } from '../governance/policy.ts';
import { createSealer } from '../lib/seal.ts';
import { createTurns } from '../lib/turns.ts';
import { VERSION } from '../lib/version.ts';
import { createApprovals, type Approvals } from '../mcp/approvals/approvals.ts';
import type { BuiltIns } from '../mcp/built-in.ts';
import { createCallRecords, keepsContent, type CallRecords } from '../mcp/call-record.ts';
import { createCallTool, type CallTool } from '../mcp/call-tool.ts';
import { createCallThrough } from '../mcp/search/call-through.ts';
import { createToolSearch } from '../mcp/search/tool-search.ts';
import { createReadResult, READ_RESULT_TOOL } from '../mcp/results/read-result.ts';
import { createResults, type Results } from '../mcp/results/results.ts';
import { createShorten } from '../mcp/results/shorten.ts';
import { createCatalog, type Catalog } from '../mcp/catalog.ts';
import { createCredentials } from '../mcp/credentials.ts';
import { createOwnExchange } from '../mcp/exchange/own.ts';
import type { Homes } from '../mcp/homes.ts';
import { createLegacySessions, type LegacySessions } from '../mcp/legacy-session.ts';
import type { NameOf } from '../mcp/part.ts';
import { createRegistry, type Registry } from '../mcp/registry.ts';
import { createPersonal, type PersonalParts } from './personal.ts';
import type { OAuth } from '../mcp/oauth/oauth.ts';
import { createInputHandles } from '../mcp/relay/input-handles.ts';
import { createRelay } from '../mcp/relay/relay.ts';
import { createMcpServer, type McpServer } from '../mcp/server.ts';
import { createSessionMemory } from '../mcp/session-memory.ts';
import { createSubscriptions, type Subscriptions } from '../mcp/subscriptions.ts';
import { createTasks } from '../mcp/tasks.ts';
import { createInProcess, type InProcessServer } from '../mcp/transport/in-process.ts';
import { createProcessGuard } from '../mcp/transport/process-guard.ts';
import { createOpenSession, createVerify } from '../mcp/upstream/verify.ts';
import type { McpClient } from '../store/mcp-clients.ts';
import { createSessionStateStore } from '../store/mcp-session-states.ts';
import type { Accounting } from './accounting.ts';
import type { Common } from './common.ts';

interface ServersOptions extends Common {
  readonly accounting: Accounting;
  readonly policy: Policy;
  readonly inprocess: Readonly<Record<string, InProcessServer>>;
  readonly nameOf: NameOf | undefined;
  readonly oauth: OAuth;
  readonly stdioHost: string | undefined;
}

/** The MCP side: the registered servers, and the server that the gateway is for its clients. */
export interface Servers {
  readonly catalog: Catalog;
  readonly registry: Registry;
  readonly sessions: LegacySessions;
  readonly subscriptions: Subscriptions;
  readonly callTool: CallTool;
  readonly server: McpServer;
  readonly records: CallRecords;
  readonly personal: PersonalParts;
  readonly approvals: Approvals;
  readonly results: Results;
  /** The name of the node that keeps what a token speaks of, where there may be several. */
  readonly homes: Homes;
}

/** Servers that begin to connect at the same time, and how long each of them keeps the next one waiting. */
const CONNECT_AT_ONCE = 16;
const CONNECT_TURN_MS = 125;

/** Connects the servers, what there is to see of them, and the way of a call to them. */
export function createServers(options: ServersOptions): Servers {
  const { stores, changes, settings, timing, logger, onError, cleanup, accounting, policy, nameOf } = options;
  const node = options.cluster?.node;
  const { deriveKey } = stores.encryption;
  const guard = createProcessGuard({ warn: (message) => logger.warn(message) });
  cleanup.defer(() => guard.close());
  const inprocess = new Map(
    Object.entries(options.inprocess).map(([name, server]) => [name, createInProcess(server)] as const),
  );
  const gateway = { name: 'asbru', version: VERSION };
  const { egress, oauth } = options;
  const shared = { shared: (client: McpClient) => credentials.shared(client) };
  const reach = { gateway, guard, egress, inprocess, silenceMs: timing.probeTimeoutMs, credentials: shared };

  const upstreams = () => registry.upstreams();
  // Sessions beside the one that all callers share speak for somebody, so nobody else has a part in their processes.
  const verify = createVerify({ ...reach, stdioHost: options.stdioHost }, timing);
  const personal = createPersonal({ ...options, verify, upstreams });
  const credentials = createCredentials({
    ...personal,
    exchanged: createOwnExchange(oauth.exchanges),
    shared: (client) => (client.auth_type === 'oauth' ? oauth.tokenFor(client, 'shared') : undefined),
    obstacle: (client) => oauth.obstacle(client),
  });
  const results = createResults({ store: stores.keptResults, settings, onError });
  cleanup.defer(() => results.stop());
  const codeMode = createBuiltIns(options, {
    callTool: (name, request) => direct(name, request),
    approvals: {
      settle: (request, waits) => approvals.settle(request, waits),
      takeAnswer: (request) => approvals.takeAnswer(request),
    },
  });
  const builtIns = [codeMode, createToolSearch([READ_RESULT_TOOL]), createReadResult(results)];
  const catalog = createCatalog({
    upstreams,
    builtIns,
    isUsable: (virtualKey) => {
      const key = policy.find(virtualKey);
      return key !== undefined && isUsable(key);
    },
    ...(nameOf && { nameOf }),
  });
  const handles = createInputHandles(createSealer(deriveKey('input-required')), { ...timing, node });
  const relay = createRelay({ settings, handles, answerMs: timing.answerMs, credentials });
  const taskSealer = createSealer(deriveKey('tasks'), { isDeterministic: true });
  const tasks = createTasks({ sealer: taskSealer, relay, catalog, node });
  const registry = createRegistry({
    database: stores.database,
    store: stores.clients,
    grants: stores.governance.grants,
    audit: stores.audit,
    headerCredentials: stores.headerCredentials,
    adminAuth: (client) => (client.auth_type === 'per_user_oauth' ? oauth.tokenFor(client, 'admin') : undefined),
    exchanges: oauth.exchanges,
    hasVirtualKey: (id) => policy.find(id) !== undefined,
    changes,
    verify,
    openSession: createOpenSession(reach, timing),
    credentials,
    timing,
    settings,
    logger,
    turns: createTurns({ places: CONNECT_AT_ONCE, longestMs: CONNECT_TURN_MS }),
    onChange: () => catalog.invalidate(),
    onGrants: () => catalog.invalidate(),
    onNotification: (upstream, notification) => subscriptions.onUpstream(upstream, notification),
    saveKnown: (id, known) => void stores.clients.saveKnown(id, known).catch(onError),
  });
  cleanup.defer(() => registry.stop());
  const memory = createSessionMemory({ store: createSessionStateStore(stores.database.db), onError });
  cleanup.defer(() => memory.stop());
  const subscriptions = createSubscriptions({ catalog, tasks, save: memory.save });
  const records = createCallRecords({ ...accounting, settings });
  const approvals = createApprovals({
    ...{ store: stores.approvals, database: stores.database, audit: stores.audit, changes, settings, handles, onError },
    clientOf: (id) => registry.find(id)?.client,
    key: deriveKey('approvals'),
    answerMs: timing.answerMs,
    keepsContent: (request) => keepsContent(settings(), request),
  });
  cleanup.defer(() => approvals.stop());
  const direct = createCallTool({ catalog, relay, tasks, spend: accounting.spend, records, approvals, builtIns });
  const callTool = createCallThrough(catalog, direct, createShorten(results));
  const server = createMcpServer({ catalog, callTool, relay, subscriptions, tasks, results, version: VERSION });
  const sessions = createLegacySessions({
    sealer: createSealer(deriveKey('mcp-session')),
    node,
    memory,
    onOpen: (session, state) => subscriptions.addSession(session, state),
    onEnd: ({ id }) => {
      subscriptions.endSession(id);
      for (const { dedicated } of upstreams()) dedicated.end(id);
    },
  });
  cleanup.defer(() => sessions.stop());
  const homes: Homes = {
    ofSession: (id) => sessions.homeOf(id),
    ofState: (requestState) => handles.homeOf(requestState),
    ofTask: (taskId) => tasks.homeOf(taskId),
  };
  return { catalog, registry, sessions, subscriptions, callTool, server, records, personal, approvals, results, homes };
}

/** Code mode. It calls tools as everybody does, and everybody calls it as a tool. */
function createBuiltIns(
  { stores, settings, onError, cleanup }: ServersOptions,
  later: Pick<CodeModeDeps, 'callTool' | 'approvals'>,
): BuiltIns {
  const sandbox = createSandbox({ places: () => settings().mcp_code_mode_max_runs });
  cleanup.defer(() => sandbox.close());
  const { database, codeRuns, codeArtifacts } = stores;
  const kept = createKeptRuns({ store: codeRuns, database, settings, onError });
  cleanup.defer(() => kept.stop());
  const artifacts = createArtifacts({ store: codeArtifacts, database, onError });
  cleanup.defer(() => artifacts.stop());
  return createCodeMode({ sandbox, artifacts, kept, ...later, settings, onError });
}
