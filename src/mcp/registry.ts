import type { AuthType, ClientState, FailureView, McpClientCreate, McpClientUpdate } from '../contract/mcp-client.ts';
import { describeChange, type Actor, type Change } from '../governance/audit.ts';
import { GatewayError, messageOf } from '../lib/errors.ts';
import type { AuditStore } from '../store/audit.ts';
import type { Changes } from '../store/changes.ts';
import type { Database } from '../store/database.ts';
import type { GrantStore } from '../store/grants.ts';
import type { HeaderCredentialStore } from '../store/header-credentials.ts';
import { StaleRecord, type Listed, type McpClient, type McpClientStore } from '../store/mcp-clients.ts';
import type { Executor } from '../store/schema.ts';
import { clientChange } from './client-change.ts';
import { applyPatch, fromCreate, isPerUser, listIdleSettings, sameTarget } from './client-config.ts';
import { followChanges } from './follow-changes.ts';
import { byKey } from './grant-changes.ts';
import { readGrants } from './client-rules.ts';
import { onClientChange } from './personal/on-client-change.ts';
import type { Grants } from './registration.ts';
import type { CallerHeaders } from './relay/forwarded-headers.ts';
import { createTrials, type Credential, type Sample, type TrialDeps } from './trials.ts';
import type { HealthHistory } from './upstream/health-history.ts';
import { Upstream, type UpstreamDeps } from './upstream/upstream.ts';
import type { Verified } from './upstream/verify.ts';

/** One registered server with what is known of it right now. */
export interface RegisteredClient {
  readonly client: McpClient;
  readonly state: ClientState;
  readonly tools: readonly Listed[];
  readonly lastFailure: FailureView | undefined;
  readonly grants: Grants;
}

/** Something to be written in the same transaction as a record. */
export type Write = (tx: Executor) => Promise<void>;

interface RegisterOptions {
  readonly write?: Write;
  readonly credential?: Credential;
}

/** The registered servers, for those who manage them. */
export interface ClientRegistry {
  /** In order of creation. */
  list(): readonly RegisteredClient[];
  find(id: string): RegisteredClient | undefined;
  get(id: string): RegisteredClient;
  /** Where a server stood since this process knows it. */
  health(id: string): Pick<HealthHistory, 'keptSince' | 'list'>;
  /** Connects first: a server that cannot be reached is not registered, unless it is created disabled. */
  create(body: McpClientCreate, actor: Actor): Promise<{ client: RegisteredClient; warnings: string[] }>;
  /** Stores a record that somebody has made, once the server was reached with it. `write` becomes part of the transaction. */
  register(client: McpClient, actor: Actor, options?: RegisterOptions): Promise<RegisteredClient>;
  /**
   * Changes settings live. A changed connection is verified first; if that fails nothing changes at all. `write` becomes part of
   * the transaction.
   */
  update(id: string, body: McpClientUpdate, actor: Actor, write?: Write): Promise<{ warnings: string[] }>;
  /** Throws `conflict` when the name or the id is taken. */
  checkFree(client: Pick<McpClient, 'name' | 'client_id'>): void;
  /** Connects, or connects anew, in the background: the credential of the server has changed. */
  wake(id: string): void;
  remove(id: string, actor: Actor): Promise<void>;
  reconnect(id: string, actor: Actor): Promise<void>;
  /** Lists the tools of a server now; gives their number. */
  refreshTools(id: string, actor: Actor): Promise<number>;
  /** The same as another process has done, which has recorded it. */
  renew(id: string, how: 'reconnect' | 'refresh'): Promise<void>;
  /** Lists the tools of a server to which each caller sends headers of their own, with these, which are not kept. */
  verifyHeaders(id: string, sample: Sample, actor: Actor): Promise<number>;
  /**
   * Lists the tools of a server with the exchanged token of whoever asks: the one given, else that in the header of the record.
   * It is not kept.
   */
  verifyExchange(id: string, token: string, headers: CallerHeaders, actor: Actor): Promise<number>;
}

export interface Registry extends ClientRegistry {
  /** Reads all registrations and begins to connect. Waits for no server. */
  load(): Promise<void>;
  /** Resolves when every server has connected, or failed to, for the first time. */
  settled(): Promise<void>;
  upstreams(): Iterable<Upstream>;
  /** Gateway-wide settings changed. */
  applySettings(): void;
  stop(): Promise<void>;
}

interface RegistryDeps extends UpstreamDeps, Omit<TrialDeps, 'verify'> {
  readonly database: Pick<Database, 'transaction'>;
  readonly store: McpClientStore;
  readonly grants: GrantStore;
  readonly changes: Changes;
  /** Whether there is such a virtual key. */
  readonly hasVirtualKey: (id: string) => boolean;
  readonly audit: Pick<AuditStore, 'with'>;
  /** What virtual keys may call is other than before, and nothing else. */
  readonly onGrants: () => void;
  readonly headerCredentials: Pick<HeaderCredentialStore, 'with'>;
}

/** All upstream servers. A change is checked, verified, stored, published, and only then in force; the publishing applies it. */
export function createRegistry(deps: RegistryDeps): Registry {
  const { store, grants, changes, database, audit } = deps;
  const personal = { headerCredentials: deps.headerCredentials, clients: store };
  const trials = createTrials(deps);
  const upstreams = new Map<string, Upstream>();
  /** Sessions that were verified for a record about to be published, by client id. */
  const verified = new Map<string, Verified>();
  const queues = new Map<string, Promise<unknown>>();
  const reconnecting = new Set<string>();

  const { reload, inOrder } = followChanges({ ...deps, upstreams, verified });

  function demand(id: string): Upstream {
    const upstream = upstreams.get(id);
    if (upstream === undefined) throw unknownClient(id);
    return upstream;
  }

  function checkName(name: string, id: string): void {
    for (const { client } of upstreams.values()) {
      if (client.name === name && client.client_id !== id) {
        throw new GatewayError('conflict', `name: an MCP client named "${name}" already exists`, {
          details: { field: 'name' },
        });
      }
    }
  }

  /** One change of a client at a time: the second sees the first one's result and loses no field. */
  async function inTurn<T>(id: string, work: () => Promise<T>): Promise<T> {
    const before = queues.get(id) ?? Promise.resolve();
    const turn = before.then(work, work);
    queues.set(id, turn);
    try {
      return await turn;
    } finally {
      if (queues.get(id) === turn) queues.delete(id);
    }
  }

  /** Stores a checked record and brings it into force, with the session that was verified for it. */
  async function commit(client: McpClient, session: Verified | undefined, write: () => Promise<void>): Promise<void> {
    try {
      await write();
    } catch (error) {
      await session?.session.close();
      throw error;
    }
    if (session !== undefined) verified.set(client.client_id, session);
    await changes.publish('mcp_clients', client.client_id);
  }

  /** Stores a change and the record of it, both or neither. */
  function record(actor: Actor, change: Change, write?: (tx: Executor) => Promise<void>): Promise<void> {
    return database.transaction(async (tx) => {
      await write?.(tx);
      await audit.with(tx).append(describeChange(actor, change));
    });
  }

  function checkFree({ name, client_id }: Pick<McpClient, 'name' | 'client_id'>): void {
    checkName(name, client_id);
    if (upstreams.has(client_id)) throw new GatewayError('conflict', `client_id: "${client_id}" already exists`);
  }

  function register(
    client: McpClient,
    actor: Actor,
    { write = nothing, credential = {} }: RegisterOptions = {},
  ): Promise<RegisteredClient> {
    return inTurn(client.client_id, async () => {
      checkFree(client);
      const session = client.disabled ? undefined : await trials.connect(client, credential);
      const change = clientChange('create', { client, grants: NO_GRANTS });
      const writeAll = async (tx: Executor): Promise<void> => {
        await store.with(tx).insert(client);
        await keepOffer(tx, client, session);
        await write(tx);
      };
      await commit(client, session, () => record(actor, change, writeAll));
      return snapshot(demand(client.client_id));
    });
  }

  /** What a server offers is kept for all processes: those that are not connected to it show that. */
  async function keepOffer(tx: Executor, client: McpClient, found: Verified | undefined): Promise<void> {
    if (found === undefined) return;
    const { session, offer } = found;
    await store.with(tx).saveKnown(client.client_id, { offer, era: session.peer.era, found_at: Date.now() });
  }

  async function create(
    body: McpClientCreate,
    actor: Actor,
  ): Promise<{ client: RegisteredClient; warnings: string[] }> {
    const client = fromCreate(body);
    return {
      client: await register(client, actor, { credential: body }),
      warnings: listIdleSettings(client, body),
    };
  }

  async function update(
    id: string,
    body: McpClientUpdate,
    actor: Actor,
    more: Write = nothing,
  ): Promise<{ warnings: string[] }> {
    demand(id);
    return inTurn(id, () =>
      onNewest(id, async () => {
        const { client: current, grants: former } = demand(id);
        const next = applyPatch(current, body);
        checkName(next.name, id);
        const granted = readGrants(body.vk_configs, deps.hasVirtualKey);
        const isSampled = isPerUser(next) && (body.user_headers ?? body.subject_token) !== undefined;
        const needsConnection = !next.disabled && (current.disabled || !sameTarget(current, next) || isSampled);
        const session = needsConnection ? await trials.connect(next, body) : undefined;
        const change = clientChange(
          'update',
          { client: next, grants: granted ?? former },
          { client: current, grants: former },
        );
        const write = async (tx: Executor): Promise<void> => {
          await store.with(tx).update(next, current.updated_at);
          await onClientChange(personal, tx, { before: current, after: next });
          await keepOffer(tx, next, session);
          if (granted !== undefined) await grants.with(tx).replaceOfClient(id, toRows(granted));
          await more(tx);
        };
        await commit(next, session, () => record(actor, change, write));
        return { warnings: listIdleSettings(next, body) };
      }),
    );
  }

  /** Makes a change again, from the record as it is now, when another process was faster. */
  async function onNewest<T>(id: string, make: () => Promise<T>, attempts = UPDATE_ATTEMPTS): Promise<T> {
    try {
      return await make();
    } catch (error) {
      if (!(error instanceof StaleRecord) || attempts === 1) throw error;
      await reload(id);
      return onNewest(id, make, attempts - 1);
    }
  }

  /** A server with a connection that all callers share. */
  function demandShared(id: string): Upstream {
    const upstream = demand(id);
    refuseDisabled(upstream);
    refusePerUser(upstream);
    return upstream;
  }

  /** Connects to a server or lists its tools, in turn. Gives it; throws when it was removed before that or meanwhile. */
  async function renew(id: string, how: 'reconnect' | 'refresh'): Promise<Upstream> {
    await inTurn(id, () => {
      const upstream = demandShared(id);
      return upstream[how]().catch(refused(upstream));
    });
    return demand(id);
  }

  async function reconnect(id: string, actor: Actor): Promise<void> {
    demandShared(id);
    if (reconnecting.has(id)) throw new GatewayError('conflict', 'reconnect already in progress for this client');
    reconnecting.add(id);
    try {
      await record(actor, clientChange('reconnect', await renew(id, 'reconnect')));
    } finally {
      reconnecting.delete(id);
    }
  }

  /** Lists the tools of a server that knows each caller, with a credential for this alone. */
  function relist(
    id: string,
    actor: Actor,
    type: AuthType,
    verifyAs: (client: McpClient) => Promise<Verified>,
  ): Promise<number> {
    demand(id);
    return inTurn(id, async () => {
      const upstream = demand(id);
      refuseDisabled(upstream);
      const { client } = upstream;
      if (client.auth_type !== type)
        throw new GatewayError('wrong_state', `${client.name}: its auth_type is "${client.auth_type}", not "${type}"`);
      const found = await verifyAs(client);
      const change = clientChange('refresh', upstream);
      await commit(client, found, () => record(actor, change, (tx) => keepOffer(tx, client, found)));
      return upstream.offer.tools.length;
    });
  }

  async function load(): Promise<void> {
    const [clients, known, granted] = await Promise.all([store.list(), store.loadKnown(), grants.list()]);
    const byClient = Map.groupBy(granted, ({ client_id }) => client_id);
    // Those that another process has told of by now are running.
    const missing = clients.filter(({ client_id }) => !upstreams.has(client_id));
    for (const client of missing) {
      const { client_id: id } = client;
      const registration = { client, grants: byKey(byClient.get(id) ?? []) };
      upstreams.set(id, new Upstream(registration, known.get(id), deps));
    }
    deps.onChange();
    for (const { client_id: id } of missing) upstreams.get(id)?.start();
  }

  return {
    load: () => inOrder(load),
    async settled() {
      await Promise.all([...upstreams.values()].map((upstream) => upstream.settled()));
    },
    list: () => [...upstreams.values()].map(snapshot),
    find(id) {
      const upstream = upstreams.get(id);
      return upstream && snapshot(upstream);
    },
    get: (id) => snapshot(demand(id)),
    health: (id) => demand(id).health,
    upstreams: () => upstreams.values(),
    create,
    register,
    update,
    checkFree,
    wake: (id) => upstreams.get(id)?.wake(),
    async remove(id, actor) {
      demand(id);
      await inTurn(id, async () => {
        await record(actor, clientChange('delete', demand(id)), async (tx) => {
          // Another process may have been faster, and has recorded it then.
          if (!(await store.with(tx).remove(id))) throw unknownClient(id);
        });
        await changes.publish('mcp_clients', id);
      });
    },
    reconnect,
    async refreshTools(id, actor) {
      demandShared(id);
      const upstream = await renew(id, 'refresh');
      await record(actor, clientChange('refresh', upstream));
      return upstream.offer.tools.length;
    },
    renew: async (id, how) => void (await renew(id, how)),
    verifyHeaders: (id, sample, actor) =>
      relist(id, actor, 'per_user_headers', (client) => trials.withHeaders(client, sample)),
    verifyExchange: (id, token, headers, actor) =>
      relist(id, actor, 'token_exchange', (client) => trials.withToken(client, token, headers)),
    applySettings() {
      for (const upstream of upstreams.values()) upstream.applySettings();
    },
    async stop() {
      await Promise.all([...upstreams.values()].map((upstream) => upstream.stop()));
    },
  };
}

const UPDATE_ATTEMPTS = 10;
const NO_GRANTS: Grants = new Map();
const nothing: Write = () => Promise.resolve();

function toRows(grants: Grants): { virtual_key_id: string; tools_to_execute: readonly string[] }[] {
  return [...grants].map(([virtual_key_id, tools_to_execute]) => ({ virtual_key_id, tools_to_execute }));
}

function snapshot(upstream: Upstream): RegisteredClient {
  const { client, grants, state, lastFailure } = upstream;
  return {
    client,
    grants,
    state,
    // Put together when they are read: most who go through all servers want a few of them.
    get tools() {
      // Some tools exist only for clients that can be asked something; whoever manages them must see them too.
      const tools = new Map([...upstream.special.tools, ...upstream.offer.tools].map((tool) => [tool.name, tool]));
      return [...tools.values()];
    },
    lastFailure,
  };
}

function unknownClient(id: string): GatewayError {
  return new GatewayError('mcp_client_not_found', `MCP client not found: there is none with id "${id}"`);
}

function refuseDisabled({ client }: Upstream): void {
  if (client.disabled) throw new GatewayError('wrong_state', `${client.name} is disabled; enable the client first`);
}

function refusePerUser({ client }: Upstream): void {
  if (!isPerUser(client)) return;
  const ways: Partial<Record<AuthType, string>> = {
    per_user_headers: '; POST …/verify-headers lists the tools with sample values',
    token_exchange: '; POST …/verify-exchange lists the tools with a token of yours',
  };
  const instead = ways[client.auth_type] ?? '';
  throw new GatewayError('wrong_state', `${client.name} has no connection that all callers share${instead}`);
}

function refused({ client }: Upstream): (error: unknown) => never {
  return (error) => {
    if (error instanceof GatewayError && error.code === 'wrong_state') throw error;
    throw new GatewayError('upstream_refused', `cannot reach ${client.name}: ${messageOf(error)}`, { cause: error });
  };
}
