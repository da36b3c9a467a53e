import { setTimeout as sleep } from 'node:timers/promises';
import { createOrder } from '../lib/in-order.ts';
import type { Changes } from '../store/changes.ts';
import type { GrantStore } from '../store/grants.ts';
import type { McpClientStore } from '../store/mcp-clients.ts';
import { isPerUser, sameTarget } from './client-config.ts';
import { byKey, createGrantChanges } from './grant-changes.ts';
import type { Registration } from './registration.ts';
import { Upstream, type UpstreamDeps } from './upstream/upstream.ts';
import type { Verified } from './upstream/verify.ts';

interface FollowDeps extends UpstreamDeps {
  readonly store: McpClientStore;
  readonly grants: GrantStore;
  readonly changes: Changes;
  /** The running servers, by client id. */
  readonly upstreams: Map<string, Upstream>;
  /** Sessions that were verified for a record about to be published, by client id. */
  readonly verified: Map<string, Verified>;
  /** What virtual keys may call is other than before, and nothing else. */
  readonly onGrants: () => void;
}

/** A server that takes longer to connect to is applied all the same: its calls wait for it. */
const CONNECTED_MS = 2_500;

/** Brings the store to the running servers. */
export interface Following {
  /** Reads one of them again. */
  reload(id: string): Promise<void>;
  /** Reads something when all that is being read has arrived, and before whatever is announced from now on. */
  inOrder: ReturnType<typeof createOrder>;
}

/** Makes the running servers what the store says, whenever that changes. */
export function followChanges(deps: FollowDeps): Following {
  const { store, grants, changes, upstreams, verified } = deps;
  const grantChanges = createGrantChanges({ grants, upstreams });
  const inOrder = createOrder();

  changes.subscribe(async (table, id) => {
    if (table === 'mcp_clients' && id === '*') await inOrder(reloadAll);
    else if (table === 'mcp_clients') await untilConnected(await inOrder(() => reload(id)));
    // Whoever may have several servers announces one change: that of the key.
    else if (table === 'virtual_keys') {
      await inOrder(() => (id === '*' ? grantChanges.reloadAll() : grantChanges.reloadOf(id)));
      deps.onGrants();
    }
  });

  /** What another process changed counts as applied when the new connection is there, or is not soon. */
  async function untilConnected(upstream: Upstream | undefined): Promise<void> {
    if (upstream !== undefined)
      await Promise.race([upstream.shared.settled(), sleep(CONNECTED_MS, undefined, { ref: false })]);
  }

  async function reloadAll(): Promise<void> {
    await Promise.all((await idsOf(store, upstreams)).map(reload));
  }

  /** Makes the running upstream what the store says. Gives it if it has to connect for that. */
  async function reload(id: string): Promise<Upstream | undefined> {
    const [client, granted] = await Promise.all([store.find(id), grants.list({ client_id: id })]);
    const upstream = upstreams.get(id);
    const session = verified.get(id);
    verified.delete(id);
    if (client === undefined) {
      void session?.session.close(); // another process has removed it since
      upstreams.delete(id);
      deps.onChange();
      upstream?.retire();
      return undefined;
    }
    const registration: Registration = { client, grants: byKey(granted) };
    // Another process has listed what it offers: shown until this one is connected, and where nobody stays connected.
    const isNews = upstream === undefined || isPerUser(client);
    const known = isNews && session === undefined ? await store.findKnown(id) : undefined;
    if (upstream !== undefined) {
      const { client: before } = upstream;
      upstream.apply(registration, session);
      if (known !== undefined) upstream.learnOffer(known);
      return session === undefined && (before.disabled || !sameTarget(before, client)) ? upstream : undefined;
    }
    const added = new Upstream(registration, known, deps);
    upstreams.set(id, added);
    if (session === undefined) added.start();
    added.apply(registration, session);
    return session === undefined ? added : undefined;
  }

  return { inOrder, reload: (id) => inOrder(async () => void (await reload(id))) };
}

async function idsOf(store: McpClientStore, upstreams: ReadonlyMap<string, Upstream>): Promise<string[]> {
  const stored = await store.list();
  return [...new Set([...stored.map((client) => client.client_id), ...upstreams.keys()])];
}
