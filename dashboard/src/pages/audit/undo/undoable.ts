import type { QueryClient } from '@tanstack/react-query';
import type { AuditEntity } from '../../../../../src/contract/audit.ts';
import type { ClientSettings } from '../../../../../src/contract/client-settings.ts';
import type { McpClientView } from '../../../../../src/contract/mcp-client.ts';
import type { ProviderKeyView, ProviderView } from '../../../../../src/contract/provider.ts';
import type { AuditEntry } from '../../../data/audit.ts';
import { customersQuery, teamsQuery, updateOwner, type OwnerKind } from '../../../data/owners.ts';
import { pricesQuery, updatePrice, type Price } from '../../../data/prices.ts';
import { providerQuery, updateProvider, updateProviderKey } from '../../../data/providers.ts';
import { serverQuery, updateServer } from '../../../data/servers.ts';
import { saveSettings, settingsQuery } from '../../../data/settings.ts';
import { updateVirtualKey, virtualKeyQuery, type VirtualKey } from '../../../data/virtual-keys.ts';
import { differencesOf, type Difference } from '../../../difference.ts';
import { limitsDraftOf, limitsUpdate } from '../../limits/limits-draft.ts';
import { priceBody, priceDraftOf } from '../../prices/draft.ts';
import { providerDraftOf, providerUpdate } from '../../provider/draft.ts';
import { keyBody, keyDraftOf as providerKeyDraftOf } from '../../provider/key-draft.ts';
import { draftOf, toUpdate } from '../../server/draft.ts';
import { flatten, unflatten } from '../../settings/topics.ts';
import type { Owner } from '../../teams/owner-drawer.tsx';
import { keyDraftOf, keyUpdate } from '../../virtual-key/draft.ts';
import { masksIn, planUndo } from './plan.ts';

/** How one kind of thing is changed back. */
interface Kind<View, Draft extends object> {
  /** What is stored now; undefined when it is gone. */
  readonly load: (entry: AuditEntry, queries: QueryClient) => Promise<View | undefined>;
  readonly draftOf: (view: View) => Draft;
  readonly save: (entry: AuditEntry, changes: Partial<Draft>, current: Draft) => Promise<unknown>;
}

/** What undoing an entry will do. */
export interface Undoing {
  readonly differences: readonly Difference[];
  /** Paths of secrets that stay as they are. */
  readonly left: readonly string[];
  readonly run: () => Promise<unknown>;
}

type Plan = (entry: AuditEntry, queries: QueryClient) => Promise<Undoing>;

function undoable<View, Draft extends object>(kind: Kind<View, Draft>): Plan {
  return async (entry, queries) => {
    const stored = await kind.load(entry, queries);
    if (stored === undefined) throw new Error(`${entry.entity_name} is not there any more.`);
    const current = kind.draftOf(stored);
    // The trail shows what read APIs showed.
    const [before, after] = [kind.draftOf(entry.before as View), kind.draftOf(entry.after as View)];
    const { changes, left } = planUndo(before, after, current, masksIn(entry.before));
    const now = Object.fromEntries(Object.entries(current).filter(([field]) => field in changes));
    return { differences: differencesOf(now, changes), left, run: () => kind.save(entry, changes, current) };
  };
}

const fresh = { staleTime: 0 } as const;

const server = undoable({
  load: async ({ entity_id }, queries) => {
    const { config, vk_configs } = await queries.fetchQuery({ ...serverQuery(entity_id), ...fresh });
    return { ...config, vk_configs };
  },
  draftOf: ({ vk_configs = [], ...config }: McpClientView['config'] & Partial<Pick<McpClientView, 'vk_configs'>>) =>
    draftOf({ config, vk_configs, tools: [], state: 'connected' }),
  save: ({ entity_id }, changes) => updateServer(entity_id, toUpdate(changes)),
});

const virtualKey = undoable({
  load: ({ entity_id }, queries) => queries.fetchQuery({ ...virtualKeyQuery(entity_id), ...fresh }),
  draftOf: (view: VirtualKey) => keyDraftOf(view),
  save: ({ entity_id }, { provider_configs, ...changes }, current) => {
    const known = new Set(current.provider_configs.map(({ id }) => id));
    // One that was taken away comes back as a new one.
    const configs = provider_configs?.map(({ id, ...config }) => (known.has(id) ? { id, ...config } : config));
    return updateVirtualKey(
      entity_id,
      keyUpdate({ ...changes, ...(configs && { provider_configs: configs as typeof current.provider_configs }) }),
    );
  },
});

const owner = (kind: OwnerKind) =>
  undoable({
    load: async ({ entity_id }, queries): Promise<Owner | undefined> => {
      const all: readonly Owner[] =
        kind === 'teams'
          ? await queries.fetchQuery({ ...teamsQuery, ...fresh })
          : await queries.fetchQuery({ ...customersQuery, ...fresh });
      return all.find(({ id }) => id === entity_id);
    },
    draftOf: (view) => ({ name: view.name, customer_id: view.customer_id ?? '', ...limitsDraftOf(view) }),
    save: ({ entity_id }, { budgets, rate_limit, ...plain }) =>
      updateOwner(kind, entity_id, {
        ...plain,
        ...limitsUpdate({ ...(budgets && { budgets }), ...(rate_limit && { rate_limit }) }),
      }),
  });

const provider = undoable({
  load: ({ entity_id }, queries) => queries.fetchQuery({ ...providerQuery(entity_id), ...fresh }),
  draftOf: (view: ProviderView) => providerDraftOf(view),
  // This PUT replaces everything.
  save: ({ entity_id }, changes, current) => updateProvider(entity_id, providerUpdate({ ...current, ...changes })),
});

const providerKey = undoable({
  load: async (entry, queries) => {
    const { keys } = await queries.fetchQuery({ ...providerQuery(providerOf(entry)), ...fresh });
    return keys.find(({ id }) => id === entry.entity_id);
  },
  draftOf: (view: ProviderKeyView) => providerKeyDraftOf(view),
  save: (entry, changes) => updateProviderKey(providerOf(entry), entry.entity_id, keyBody(changes)),
});

const price = undoable({
  load: async ({ entity_id }, queries) =>
    (await queries.fetchQuery({ ...pricesQuery, ...fresh })).find(({ id }) => id === entity_id),
  draftOf: (view: Price) => priceDraftOf(view),
  save: ({ entity_id }, changes, current) =>
    updatePrice(entity_id, priceBody(changes, changes.scope_kind ?? current.scope_kind)),
});

const settings = undoable({
  load: (_entry, queries) => queries.fetchQuery({ ...settingsQuery, ...fresh }),
  draftOf: (view: ClientSettings) => flatten(view),
  save: (_entry, changes) => saveSettings(unflatten(changes)),
});

const PLANS: Partial<Record<AuditEntity, Plan>> = {
  ...{ mcp_client: server, virtual_key: virtualKey, team: owner('teams'), customer: owner('customers') },
  ...{ provider, provider_key: providerKey, pricing_override: price, settings },
};

/** How an entry is undone; undefined for what cannot be: only an update has something to go back to. */
export function planOf({ action, entity, before, after }: AuditEntry): Plan | undefined {
  if (action !== 'update' || before === null || after === null) return undefined;
  return PLANS[entity as AuditEntity];
}

function providerOf({ before }: AuditEntry): string {
  return (before as ProviderKeyView).provider; // as read APIs showed it
}
