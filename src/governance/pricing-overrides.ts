import { randomUUID } from 'node:crypto';
import type { PricingOverride, PricingOverrideCreate, PricingOverrideUpdate } from '../contract/pricing-override.ts';
import { GatewayError } from '../lib/errors.ts';
import type { AuditStore } from '../store/audit.ts';
import type { Changes } from '../store/changes.ts';
import type { Database } from '../store/database.ts';
import type { ModelPrice, ModelPriceStore } from '../store/model-prices.ts';
import { writeInTurn } from '../store/write-lock.ts';
import { describeChange, type Actor } from './audit.ts';

interface Deps {
  readonly database: Pick<Database, 'dialect' | 'transaction'>;
  readonly prices: ModelPriceStore;
  readonly audit: Pick<AuditStore, 'with'>;
  readonly changes: Pick<Changes, 'publish'>;
}

/** The prices of the operator, as they are managed. */
export interface PricingOverrides {
  list(): Promise<PricingOverride[]>;
  get(id: string): Promise<PricingOverride>;
  create(input: PricingOverrideCreate, actor: Actor): Promise<PricingOverride>;
  update(id: string, input: PricingOverrideUpdate, actor: Actor): Promise<PricingOverride>;
  remove(id: string, actor: Actor): Promise<void>;
}

/** Manages prices; each write with its record, both or neither. */
export function createPricingOverrides({ database, prices, audit, changes }: Deps): PricingOverrides {
  type Change = { readonly before?: ModelPrice; readonly after?: ModelPrice };

  async function write(actor: Actor, change: (store: ModelPriceStore) => Promise<Change>): Promise<Change> {
    const done = await writeInTurn(database, async (tx) => {
      const { before, after } = await change(prices.with(tx));
      const { id, name } = (after ?? before) as ModelPrice; // one of them is there
      const action = before === undefined ? 'create' : after === undefined ? 'delete' : 'update';
      const views = { before: before && viewPrice(before), after: after && viewPrice(after) };
      const entry = describeChange(actor, { action, entity: 'pricing_override', id, name, ...views });
      await audit.with(tx).append(entry);
      return { ...(before && { before }), ...(after && { after }) };
    });
    await changes.publish('model_prices', (done.after ?? done.before)?.id ?? '*');
    return done;
  }

  async function existing(store: ModelPriceStore, id: string): Promise<ModelPrice> {
    const price = await store.find(id);
    if (price === undefined) throw new GatewayError('not_found', `there is no pricing override "${id}"`);
    return price;
  }

  return {
    list: async () => (await prices.list()).map(viewPrice),
    get: async (id) => viewPrice(await existing(prices, id)),
    async create(input, actor) {
      const now = Date.now();
      const after = toPrice(input, { id: randomUUID(), config_hash: null, created_at: now, updated_at: now });
      await write(actor, async (store) => {
        await store.insert(after);
        return { after };
      });
      return viewPrice(after);
    },
    async update(id, input, actor) {
      const { after } = await write(actor, async (store) => {
        const before = await existing(store, id);
        const changed = merge(viewPrice(before), input);
        const { config_hash, created_at } = before;
        const next = toPrice(changed, { id, config_hash, created_at, updated_at: Date.now() });
        await store.update(next);
        return { before, after: next };
      });
      return viewPrice(after as ModelPrice); // an update has both
    },
    async remove(id, actor) {
      await write(actor, async (store) => {
        const before = await existing(store, id);
        await store.remove(id);
        return { before };
      });
    },
  };
}

/** What was there, with what is sent in its place. A scope for all providers leaves the provider behind. */
function merge({ provider_id, ...before }: PricingOverride, input: PricingOverrideUpdate): PricingOverrideCreate {
  const sent = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
  const merged: PricingOverrideCreate = { ...before, ...sent };
  const kept = input.provider_id ?? provider_id;
  return merged.scope_kind === 'provider' && kept !== undefined ? { ...merged, provider_id: kept } : merged;
}

/** What is stored of a price; throws the rule that it breaks. */
export function toPrice(
  { name, scope_kind, provider_id, match_type, pattern, patch }: PricingOverrideCreate,
  rest: Pick<ModelPrice, 'id' | 'config_hash' | 'created_at' | 'updated_at'>,
): ModelPrice {
  if (scope_kind === 'provider' && provider_id === undefined)
    throw refuse('provider_id', 'must name a provider when scope_kind is provider');
  if (scope_kind === 'global' && provider_id !== undefined)
    throw refuse('provider_id', 'must be absent unless scope_kind is provider');
  if (match_type === 'exact' && pattern.includes('*')) throw refuse('pattern', 'a * needs the match_type wildcard');
  const { input, output, cache_read = null, cache_write = null } = patch;
  return {
    ...{ ...rest, name, provider: provider_id?.toLowerCase() ?? '', match_type, pattern },
    ...{ input, output, cache_read, cache_write },
  };
}

function refuse(field: string, rule: string): GatewayError {
  return new GatewayError('invalid_request', `${field}: ${rule}`, { details: { field } });
}

/** A price as read APIs show it. */
export function viewPrice(price: ModelPrice): PricingOverride {
  const { id, name, provider, match_type, pattern, input, output, cache_read, cache_write } = price;
  const cache = { ...(cache_read !== null && { cache_read }), ...(cache_write !== null && { cache_write }) };
  return {
    ...{ id, name, scope_kind: provider === '' ? 'global' : 'provider' },
    ...(provider !== '' && { provider_id: provider }),
    match_type: match_type === 'wildcard' ? 'wildcard' : 'exact',
    ...{ pattern, patch: { input, output, ...cache } },
    created_at: new Date(price.created_at).toISOString(),
    updated_at: new Date(price.updated_at).toISOString(),
  };
}
