import type {
  BudgetOverride,
  BudgetView,
  McpConfigInput,
  QuotaView,
  VirtualKeyCreate,
  VirtualKeyUpdate,
  VirtualKeyView,
} from '../contract/governance.ts';
import type { Budget, VirtualKey } from '../store/governance.ts';
import type { GovernanceStores } from '../store/governance-stores.ts';
import type { KeyPage } from '../store/virtual-keys.ts';
import { writeInTurn } from '../store/write-lock.ts';
import type { DirectoryDeps } from './directory-deps.ts';
import { announce, byId, loadRuleContext, unknownEntity } from './directory-writes.ts';
import { applyKey, newKey } from './entity-rules.ts';
import { keyView, quotaView } from './entity-views.ts';
import { applyGrants } from './grant-rules.ts';
import { budgetsOf, effectiveLimit, endOverride, overrideBudget, rotateKey, withBudget } from './key-changes.ts';
import { invalid } from './limit-rules.ts';
import { budgetView } from './limit-views.ts';

/** A budget and what it allows with its override. */
export interface OverrideView {
  readonly budget: BudgetView;
  readonly effective_max_limit: number;
}

/** Reads and writes of virtual keys. */
export interface KeyDirectory {
  /** A page, oldest first, and how many there are in all. */
  list(page: KeyPage): Promise<{ virtual_keys: VirtualKeyView[]; total_count: number }>;
  get(id: string): Promise<VirtualKeyView>;
  create(body: VirtualKeyCreate): Promise<VirtualKeyView>;
  update(id: string, body: VirtualKeyUpdate): Promise<VirtualKeyView>;
  remove(id: string): Promise<void>;
  rotate(id: string): Promise<VirtualKeyView>;
  /** All of them or, when one is unknown, none. */
  rotateAll(ids: readonly string[]): Promise<VirtualKeyView[]>;
  /** Allows more than a budget says; undefined ends that. */
  override(id: string, budgetId: string, body: BudgetOverride | undefined): Promise<OverrideView>;
  quota(id: string): Promise<QuotaView>;
  /** Deletes the keys that have expired and are to be deleted then; gives how many. */
  removeExpired(now: number): Promise<number>;
}

export function createKeyDirectory(deps: DirectoryDeps): KeyDirectory {
  return { ...createKeyReads(deps), ...createKeyWrites(deps), ...createKeyActions(deps) };
}

type Reads = Pick<KeyDirectory, 'list' | 'get' | 'quota'>;
type Writes = Pick<KeyDirectory, 'create' | 'update' | 'remove' | 'removeExpired'>;
type Actions = Pick<KeyDirectory, 'rotate' | 'rotateAll' | 'override'>;

function createKeyReads(deps: DirectoryDeps): Reads {
  const { stores } = deps;
  return {
    async list(page) {
      const { keys, total_count } = await stores.keys.page(page);
      return { virtual_keys: await viewKeys(deps, keys, page.limit !== undefined), total_count };
    },
    get: (id) => getView(deps, id),
    quota: async (id) => quotaView(await findKey(stores, id), deps),
  };
}

/** `areFew`: few enough to name each in a statement. */
async function viewKeys(deps: DirectoryDeps, keys: readonly VirtualKey[], areFew: boolean): Promise<VirtualKeyView[]> {
  const { names, grants } = deps.stores;
  const filter = areFew ? { virtual_key_id: keys.map((key) => key.id) } : {};
  const byKey = Map.groupBy(keys.length === 0 ? [] : await grants.list(filter), (grant) => grant.virtual_key_id);
  const teams = byId(keys.some((key) => key.team_id !== undefined) ? await names.teams() : []);
  const customers = byId(keys.some((key) => key.customer_id !== undefined) ? await names.customers() : []);
  return keys.map((key) => keyView(key, { grants: byKey.get(key.id) ?? [], teams, customers }, deps));
}

async function getView(deps: DirectoryDeps, id: string): Promise<VirtualKeyView> {
  const [view] = await viewKeys(deps, [await findKey(deps.stores, id)], true);
  if (view === undefined) throw unknownEntity('virtual key', id);
  return view;
}

async function findKey({ keys }: GovernanceStores, id: string): Promise<VirtualKey> {
  const key = await keys.find(id);
  if (key === undefined) throw unknownEntity('virtual key', id);
  return key;
}

function createKeyWrites(deps: DirectoryDeps): Writes {
  const { database, stores, changes } = deps;
  return {
    async create(body) {
      const { id } = await writeInTurn(database, async (tx) => {
        const at = stores.with(tx);
        const key = newKey(body, await loadRuleContext(at, body));
        await at.keys.insert(key);
        await writeGrants(at, key.id, body.mcp_configs ?? [], true);
        return key;
      });
      await announce(changes, 'virtual_keys', [id]);
      return getView(deps, id);
    },

    async update(id, body) {
      const key = await writeInTurn(database, async (tx) => {
        const at = stores.with(tx);
        const key = applyKey(await findKey(at, id), body, await loadRuleContext(at, body));
        await at.keys.update(key);
        await writeGrants(at, id, body.mcp_configs, false);
        return key;
      });
      if (body.reset_budget_usage === true) await deps.resetUsage(budgetsOf(key).map((budget) => budget.id));
      await announce(changes, 'virtual_keys', [id]);
      return getView(deps, id);
    },

    async remove(id) {
      const isGone = await writeInTurn(database, (tx) => stores.with(tx).keys.remove(id));
      if (!isGone) throw unknownEntity('virtual key', id);
      await announce(changes, 'virtual_keys', [id]);
    },

    async removeExpired(now) {
      const { delete_expired_virtual_keys: byDefault } = deps.settings();
      const ids = await writeInTurn(database, async (tx) => {
        const at = stores.with(tx);
        const expired = await at.keys.listExpired(now);
        const ids = expired.filter((key) => key.delete_after_expire ?? byDefault).map((key) => key.id);
        for (const id of ids) await at.keys.remove(id);
        return ids;
      });
      await announce(changes, 'virtual_keys', ids);
      return ids.length;
    },
  };
}

/** Replaces what a key may call, unless nothing was sent. */
async function writeGrants(
  at: GovernanceStores,
  keyId: string,
  entries: readonly McpConfigInput[] | null | undefined,
  isNew: boolean,
): Promise<void> {
  if (entries === undefined) return;
  const before = isNew ? [] : await at.grants.list({ virtual_key_id: keyId });
  // Their secrets are decrypted on the way, so they are only read where an entry names one.
  const clients = entries === null || entries.length === 0 ? [] : await at.clients.list();
  const after = applyGrants(before, entries, { clients, isNew });
  await at.grants.replaceOfKey(
    keyId,
    after.map((grant) => ({ ...grant })),
  );
}

function createKeyActions(deps: DirectoryDeps): Actions {
  const { database, stores, changes } = deps;

  const rotateAll = async (ids: readonly string[], unknown: (id: string, index: number) => Error): Promise<void> => {
    await writeInTurn(database, async (tx) => {
      const { keys } = stores.with(tx);
      const now = Date.now();
      for (const [index, id] of ids.entries()) {
        const stored = await keys.find(id);
        if (stored === undefined) throw unknown(id, index);
        await keys.update(rotateKey(stored, deps.settings().vk_rotation_cooldown, now));
      }
    });
    await announce(changes, 'virtual_keys', ids);
  };

  return {
    async rotate(id) {
      await rotateAll([id], () => unknownEntity('virtual key', id));
      return getView(deps, id);
    },

    async rotateAll(ids) {
      const unique = [...new Set(ids)];
      await rotateAll(unique, (id) => invalid(`ids[${ids.indexOf(id)}]`, `there is no virtual key "${id}"`));
      return Promise.all(unique.map((id) => getView(deps, id)));
    },

    async override(id, budgetId, body) {
      const now = Date.now();
      const budget = await writeInTurn(database, async (tx) => {
        const { keys } = stores.with(tx);
        const key = await findKey({ ...stores, keys }, id);
        const stored = budgetsOf(key).find((budget) => budget.id === budgetId);
        if (stored === undefined) throw unknownEntity('budget', budgetId);
        const next = body ? overrideBudget(stored, body, deps.windowEnd, now) : endOverride(stored, now);
        await keys.update({ ...withBudget(key, next), updated_at: now });
        return { next, owner: ownerOf(key, budgetId) };
      });
      await announce(changes, 'virtual_keys', [id]);
      return {
        budget: budgetView({ ...budget.owner, limit: budget.next }, deps.usage),
        effective_max_limit: effectiveLimit(budget.next, now),
      };
    },
  };
}

function ownerOf(key: VirtualKey, budgetId: string) {
  const has = (budgets: readonly Budget[]) => budgets.some((budget) => budget.id === budgetId);
  const config = key.provider_configs.find((config) => has(config.budgets));
  return config === undefined
    ? { owner_kind: 'virtual_key' as const, owner_id: key.id }
    : { owner_kind: 'provider_config' as const, owner_id: String(config.id) };
}
