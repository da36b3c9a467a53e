import type { ClientState, FailureView, McpClientCreate, McpClientUpdate } from '../contract/mcp-client.ts';
import type { Actor } from '../governance/audit.ts';
import { GatewayError } from '../lib/errors.ts';
import { createOrderByKey } from '../lib/in-order.ts';
import type { Changes } from '../store/changes.ts';
import type { GrantStore } from '../store/grants.ts';
import type { HeaderCredentialStore } from '../store/header-credentials.ts';
import { StaleRecord, type Listed, type McpClient, type McpClientStore } from '../store/mcp-clients.ts';
import { clientChange } from './client-change.ts';
import { createClientCommits, type CommitDeps, type Write } from './client-commits.ts';
import { applyPatch, fromCreate, isPerUser, listIdleSettings, sameTarget } from './client-config.ts';
import { followChanges } from './follow-changes.ts';
import { byKey } from './grant-changes.ts';
import { readGrants } from './client-rules.ts';
import { onClientChange } from './personal/on-client-change.ts';
import type { Grants } from './registration.ts';
import { createRenewals, type Renewals } from './renewals.ts';
import { createTrials, type Credential, type TrialDeps } from './trials.ts';
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

interface RegisterOptions {
  readonly write?: Write;
  readonly credential?: Credential;
}

/** The registered servers, for those who manage them. */
export interface ClientRegistry extends Renewals {
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

interface RegistryDeps extends UpstreamDeps, CommitDeps, Omit<TrialDeps, 'verify'> {
  readonly store: McpClientStore;
  readonly grants: GrantStore;
  readonly changes: Changes;
  /** Whether there is such a virtual key. */
  readonly hasVirtualKey: (id: string) => boolean;
  /** What virtual keys may call is other than before, and nothing else. */
  readonly onGrants: () => void;
  readonly headerCredentials: Pick<HeaderCredentialStore, 'with'>;
}

/** All upstream servers. A change is checked, verified, stored, published, and only then in force; the publishing applies it. */
export function createRegistry(deps: RegistryDeps): Registry {
  const { store, grants, changes } = deps;
  const personal = { headerCredentials: deps.headerCredentials, clients: store };
  const trials = createTrials(deps);
  const upstreams = new Map<string, Upstream>();
  /** Sessions that were verified for a record about to be published, by client id. */
  const verified = new Map<string, Verified>();
  /** One change of a client at a time: the second sees the first one's result and loses no field. */
  const inTurn = createOrderByKey();
  const { record, commit } = createClientCommits(deps, verified);
  const { reload, inOrder } = followChanges({ ...deps, upstreams, verified });
  const renewals = createRenewals({ demand, inTurn, trials, record, commit });

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
      const found = client.disabled ? undefined : await trials.connect(client, credential);
      const change = clientChange('create', { client, grants: NO_GRANTS });
      const writeAll: Write = async (tx) => {
        await store.with(tx).insert(client);
        await write(tx);
      };
      await commit({ client, found, actor, change, write: writeAll });
      return snapshot(demand(client.client_id));
    });
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
        const found = needsConnection ? await trials.connect(next, body) : undefined;
        const change = clientChange(
          'update',
          { client: next, grants: granted ?? former },
          { client: current, grants: former },
        );
        const write: Write = async (tx) => {
          await store.with(tx).update(next, current.updated_at);
          await onClientChange(personal, tx, { before: current, after: next });
          if (granted !== undefined) await grants.with(tx).replaceOfClient(id, toRows(granted));
          await more(tx);
        };
        await commit({ client: next, found, actor, change, write });
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
      await Promise.all([...upstreams.values()].map((upstream) => upstream.shared.settled()));
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
    ...renewals,
    applySettings() {
      for (const upstream of upstreams.values()) upstream.shared.applySettings();
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
