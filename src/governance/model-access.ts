import type { ProviderConfig } from '../store/governance.ts';
import type { ProviderKey } from '../store/providers.ts';
import type { KeyPolicy, ProviderPolicy } from './caller.ts';
import { compileLimits, joinLimits, type Limits } from './limits.ts';
import { compileModels, compileRefusedModels, type AdmitsModel } from './model-names.ts';

/** Whether a model may be used, and then with which keys and on whose account; else why not. */
export type ModelDecision =
  | { readonly allowed: true; readonly keyIds: readonly string[]; readonly limits: Limits | undefined }
  | { readonly allowed: false; readonly code: 'provider_blocked' | 'model_blocked'; readonly reason: string };

const EVERY_KEY: readonly string[] = Object.freeze(['*']);

/** The providers of a key by name. `limits` are those of the key, its team and its customer. */
export function compileProviders(
  configs: readonly ProviderConfig[],
  limits: Limits | undefined,
): ReadonlyMap<string, ProviderPolicy> {
  return new Map(configs.map((config) => [config.provider, compileProvider(config, limits)]));
}

function compileProvider(config: ProviderConfig, limits: Limits | undefined): ProviderPolicy {
  const { provider, weight, allowed_models, blacklisted_models, allow_all_keys, key_ids } = config;
  const own = compileLimits([{ kind: 'provider_config', name: provider, limited: config }]);
  return Object.freeze({
    provider,
    weight,
    admits: compileModels(allowed_models, provider),
    refuses: compileRefusedModels(blacklisted_models, provider),
    keyIds: allow_all_keys ? EVERY_KEY : Object.freeze([...key_ids]),
    limits: joinLimits(own, limits),
  });
}

/** Whether a caller may use a model of a provider. Who comes without a virtual key may use everything. */
export function decideModel(key: KeyPolicy | undefined, provider: string, model: string): ModelDecision {
  if (key === undefined) return { allowed: true, keyIds: EVERY_KEY, limits: undefined };
  const config = key.providers.get(provider);
  if (config === undefined) {
    if (key.allowsAllProviders) return { allowed: true, keyIds: EVERY_KEY, limits: key.limits };
    return {
      ...{ allowed: false, code: 'provider_blocked' },
      reason: `the virtual key "${key.name}" may not use the provider "${provider}"`,
    };
  }
  const { refuses, admits, keyIds, limits } = config;
  const isRefused = refuses(model);
  if (!isRefused && admits(model)) return { allowed: true, keyIds, limits };
  const list = isRefused ? 'is on blacklisted_models' : 'is not on allowed_models';
  return {
    ...{ allowed: false, code: 'model_blocked' },
    reason: `the virtual key "${key.name}" may not use the model "${model}" of "${provider}": it ${list}`,
  };
}

/** What the choice of a provider depends on besides the key. */
export interface Ranking {
  /** From 0 to below 1. */
  readonly random: () => number;
  /** False for a provider whose budget or limit is used up: it is passed over while others are left. */
  readonly hasRoom?: (limits: Limits | undefined) => boolean;
}

/**
 * Candidates in the order in which they are to be tried: one picked by weight, then the others by falling weight. Those without
 * a weight are not chosen, unless none has one: then they stay in the order in which they came.
 */
export function rankProviders(
  key: KeyPolicy | undefined,
  model: string,
  candidates: readonly string[],
  { random, hasRoom = () => true }: Ranking,
): readonly string[] {
  const allowed = candidates.flatMap((provider) => {
    const decision = decideModel(key, provider, model);
    if (!decision.allowed) return [];
    return [{ provider, weight: key?.providers.get(provider)?.weight, limits: decision.limits }];
  });
  const open = allowed.filter(({ limits }) => hasRoom(limits));
  // With nothing left the first one says why, when its limits are asked for.
  const usable = open.length === 0 ? allowed : open;
  const weighted = usable.flatMap(({ provider, weight }) => (weight === undefined ? [] : [{ provider, weight }]));
  if (weighted.length === 0) return usable.map(({ provider }) => provider);
  const first = pick(weighted, random());
  const rest = weighted.filter((entry) => entry !== first).toSorted((a, b) => b.weight - a.weight);
  return [first, ...rest].flatMap((entry) => (entry === undefined ? [] : [entry.provider]));
}

/** The keys of a provider that may serve a model: switched on, with the model, and among those that the caller may use. */
export function usableKeys(
  keys: readonly ProviderKey[],
  model: string,
  keyIds: readonly string[] = EVERY_KEY,
): readonly ProviderKey[] {
  const isEvery = keyIds.includes('*');
  return keys.filter((key) => key.enabled && (isEvery || keyIds.includes(key.id)) && serves(key, model));
}

/** Lists of keys are read once: keys are frozen, and a change makes a new one. */
const lists = new WeakMap<ProviderKey, { readonly admits: AdmitsModel; readonly refuses: AdmitsModel }>();

function serves(key: ProviderKey, model: string): boolean {
  let known = lists.get(key);
  if (known === undefined) {
    const admits = compileModels(key.models, key.provider);
    known = { admits, refuses: compileRefusedModels(key.blacklisted_models, key.provider) };
    lists.set(key, known);
  }
  return !known.refuses(model) && known.admits(model);
}

/** One of several by weight; the heaviest of none with a share. */
function pick<T extends { readonly weight: number }>(entries: readonly T[], random: number): T | undefined {
  const total = entries.reduce((sum, { weight }) => sum + weight, 0);
  let left = random * total;
  for (const entry of entries) {
    left -= entry.weight;
    if (left < 0) return entry;
  }
  // All weights are 0, or the sum was rounded.
  return entries.toSorted((a, b) => b.weight - a.weight)[0];
}
