import type { ProviderConfigInput } from '../contract/governance.ts';
import type { ProviderConfig } from '../store/governance.ts';
import { NEW_ID } from '../store/provider-configs.ts';
import type { KeyName } from '../store/provider-keys.ts';
import { applyLimits, invalid, type LimitContext } from './limit-rules.ts';
import { checkModels } from './model-names.ts';

const EMPTY: ProviderConfig = {
  id: NEW_ID,
  provider: '',
  weight: undefined,
  allowed_models: [],
  blacklisted_models: [],
  allow_all_keys: false,
  key_ids: [],
  budgets: [],
  rate_limit: undefined,
};

/** What the rules must know besides the body. */
export interface ProviderContext extends Omit<LimitContext, 'place'> {
  /** The keys of all providers. */
  readonly providerKeys: readonly KeyName[];
}

/**
 * The providers of a key after a write. An entry is known by its `id`, else by its provider; what a known entry leaves out
 * stays as it was, a new one allows nothing that it does not name.
 */
export function applyProviders(
  stored: readonly ProviderConfig[],
  entries: readonly ProviderConfigInput[] | null | undefined,
  context: ProviderContext,
): readonly ProviderConfig[] {
  if (entries === undefined) {
    const rest = { ...context, place: '' };
    return stored.map((config) => ({ ...config, ...applyLimits(config, {}, rest) }));
  }
  checkDuplicates(entries ?? []);
  const claimed = new Set((entries ?? []).map((entry) => entry.id));
  const next = (entries ?? []).map((entry, index) => {
    const place = `provider_configs[${index}]`;
    const byId = stored.find((config) => config.id === entry.id);
    if (entry.id !== undefined && byId === undefined && !context.isNew) {
      throw invalid(`${place}.id`, `there is no entry ${entry.id} here`);
    }
    const known = byId ?? stored.find(({ id, provider }) => provider === entry.provider && !claimed.has(id));
    return applyProvider(known ?? EMPTY, entry, { ...context, place: `${place}.` });
  });
  return next.toSorted((a, b) => (a.id || Infinity) - (b.id || Infinity));
}

function checkDuplicates(entries: readonly ProviderConfigInput[]): void {
  const providers = new Set<string>();
  const ids = new Set<number>();
  for (const [index, { provider, id }] of entries.entries()) {
    if (providers.has(provider))
      throw invalid(`provider_configs[${index}].provider`, `duplicate provider: ${provider}`);
    if (id !== undefined && ids.has(id)) throw invalid(`provider_configs[${index}].id`, `duplicate id: ${id}`);
    providers.add(provider);
    if (id !== undefined) ids.add(id);
  }
}

function applyProvider(
  stored: ProviderConfig,
  entry: ProviderConfigInput,
  context: LimitContext & ProviderContext,
): ProviderConfig {
  const { place } = context;
  checkModels(entry.allowed_models ?? [], `${place}allowed_models`);
  checkModels(entry.blacklisted_models ?? [], `${place}blacklisted_models`);
  return {
    id: stored.id,
    provider: entry.provider,
    weight: entry.weight === undefined ? stored.weight : (entry.weight ?? undefined),
    allowed_models: list(entry.allowed_models, stored.allowed_models),
    blacklisted_models: list(entry.blacklisted_models, stored.blacklisted_models),
    allow_all_keys: entry.allow_all_keys ?? stored.allow_all_keys,
    key_ids: keyIds(stored, entry, context),
    ...applyLimits(stored, entry, context),
  };
}

function list(sent: readonly string[] | null | undefined, stored: readonly string[]): readonly string[] {
  return sent === undefined ? stored : (sent ?? []);
}

/** Keys may be named by id or by name; what is stored are ids. An id that was granted may be sent back when its key is gone. */
function keyIds(
  stored: ProviderConfig,
  { provider, key_ids: sent }: ProviderConfigInput,
  { place, providerKeys }: LimitContext & ProviderContext,
): readonly string[] {
  // The keys of another provider mean nothing here.
  const before = provider === stored.provider ? stored.key_ids : [];
  if (sent === undefined) return before;
  const keys = providerKeys.filter((key) => key.provider === provider);
  const known = new Set(['*', ...before]);
  const ids = (sent ?? []).map((entry, index) => {
    const key = keys.find(({ id }) => id === entry) ?? keys.find(({ name }) => name === entry);
    if (key !== undefined || known.has(entry)) return key?.id ?? entry;
    throw invalid(`${place}key_ids[${index}]`, `the provider "${provider}" has no key "${entry}"`);
  });
  return [...new Set(ids)];
}
