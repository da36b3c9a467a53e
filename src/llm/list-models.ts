import type { Caller } from '../governance/caller.ts';
import { decideModel, usableKeys } from '../governance/model-access.ts';
import type { ConfiguredProvider, ProviderDirectory } from '../governance/provider-directory.ts';
import { isKeyLess, providerType } from '../governance/provider-settings.ts';
import { GatewayError } from '../lib/errors.ts';
import type { JsonObject, JsonValue } from '../lib/json-rpc.ts';
import type { ProviderKey } from '../store/providers.ts';
import { objectsOf, textOf } from '../lib/json-value.ts';
import { readWhole, startExchange } from './exchange.ts';
import type { ProviderClients } from './provider-clients.ts';
import { noKey } from './key-less.ts';
import type { Providers } from './providers/providers.ts';

/** A model that a caller may ask for. */
export interface ListedModel {
  readonly provider: string;
  /** As the provider names it. */
  readonly model: string;
  /** Epoch seconds; undefined where nobody says. */
  readonly created: number | undefined;
  readonly owner: string;
}

/** Lists the models that a caller may use, of one provider or of all. Who cannot say what it has is left out. */
export type ListModels = (caller: Caller, provider: string | undefined, signal: AbortSignal) => Promise<ListedModel[]>;

interface ListDeps {
  readonly directory: Pick<ProviderDirectory, 'find' | 'list'>;
  readonly providers: Pick<Providers, 'find'>;
  readonly clients: ProviderClients;
  readonly now?: () => number;
}

/** What a provider said it has, and when. */
interface Known {
  readonly models: Promise<ListedModel[]>;
  readonly until: number;
}

const FRESH_MS = 60 * 60_000;
const PATIENCE = { headMs: 10_000, idleMs: 10_000 };
const MAX_LIST_BYTES = 16 * 1024 * 1024;

export function createListModels({ directory, providers, clients, now = Date.now }: ListDeps): ListModels {
  /** By key: two keys of one provider may see different models. A change of a key or provider makes new objects. */
  const known = new WeakMap<ConfiguredProvider, Map<string, Known>>();

  async function fetchModels({ record }: ConfiguredProvider, key: ProviderKey): Promise<ListedModel[]> {
    const kind = providers.find(providerType(record));
    if (kind?.modelsAddress === undefined) return [];
    const { url, headers } = await kind.modelsAddress(key, record.network.base_url);
    const request = { method: 'GET' as const, url, headers: Object.entries(headers).flat() };
    const patience = { ...PATIENCE, provider: record.name };
    const arrived = await startExchange(clients.open(record, url), request, patience, NEVER);
    const body = await readWhole(arrived, MAX_LIST_BYTES);
    if (arrived.status !== 200)
      throw new GatewayError('provider_error', `HTTP ${arrived.status} for the list of models`);
    return readModels(record.name, JSON.parse(body.toString()) as JsonObject);
  }

  /** What a key can be used for: what it names, else what the provider lists for it. */
  function modelsOf(configured: ConfiguredProvider, key: ProviderKey): Promise<ListedModel[]> {
    const { record } = configured;
    if (!key.models.some((entry) => entry === '*' || entry.startsWith('regex:')))
      return Promise.resolve(key.models.map((model) => listed(record.name, model)));
    const ofProvider = known.get(configured) ?? new Map<string, Known>();
    known.set(configured, ofProvider);
    const before = ofProvider.get(key.id);
    if (before !== undefined && before.until > now()) return before.models;
    const models = fetchModels(configured, key);
    ofProvider.set(key.id, { models, until: now() + FRESH_MS });
    models.catch(() => ofProvider.delete(key.id));
    return models;
  }

  async function listOf(configured: ConfiguredProvider, { key: policy }: Caller): Promise<ListedModel[]> {
    const { record, keys } = configured;
    const wantsNoKey = isKeyLess(record);
    const all = keys.length === 0 && wantsNoKey ? [noKey(record.name)] : keys.filter((key) => key.enabled);
    const lists = await Promise.all(all.map((key) => modelsOf(configured, key)));
    const byName = new Map(lists.flat().map((model) => [model.model, model]));
    return [...byName.values()].filter(({ model }) => {
      const decision = decideModel(policy, record.name, model);
      return decision.allowed && usableKeys(all, model, wantsNoKey ? undefined : decision.keyIds).length > 0;
    });
  }

  return async (caller, provider) => {
    const one = provider === undefined ? undefined : directory.find(provider);
    if (provider !== undefined && one === undefined)
      throw new GatewayError('not_found', `there is no provider "${provider}"`);
    const decision = one === undefined ? undefined : decideModel(caller.key, one.record.name, '');
    if (decision?.allowed === false && decision.code === 'provider_blocked')
      throw new GatewayError(decision.code, decision.reason);
    const asked = one === undefined ? directory.list() : [one];
    const results = await Promise.allSettled(asked.map((configured) => listOf(configured, caller)));
    const failed = results.find((result) => result.status === 'rejected');
    if (failed !== undefined && results.every(({ status }) => status === 'rejected')) throw failed.reason;
    const models = results.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
    return models.toSorted((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1));
  };
}

/** Several callers may wait for one list, so that none of them ends the request for it. */
const NEVER = new AbortController().signal;

/** The name under which callers ask for a model wherever they ask. */
export function nameOf({ provider, model }: ListedModel): string {
  return `${provider}/${model}`;
}

function listed(provider: string, model: string): ListedModel {
  const prefix = `${provider}/`;
  const name = model.startsWith(prefix) ? model.slice(prefix.length) : model;
  return { provider, model: name, created: undefined, owner: provider };
}

/** OpenAI and Anthropic list `data` with ids, Google `models` with names. */
function readModels(provider: string, { data, models }: JsonObject): ListedModel[] {
  return objectsOf(data ?? models).flatMap((item) => {
    const model = textOf(item.id) || textOf(item.name).replace(/^models\//, '');
    if (model === '') return [];
    return [{ provider, model, created: secondsOf(item), owner: textOf(item.owned_by) || provider }];
  });
}

function secondsOf({ created, created_at }: JsonObject): number | undefined {
  const time: JsonValue | undefined = created ?? created_at;
  if (typeof time === 'number') return time;
  const parsed = Date.parse(textOf(time));
  return Number.isNaN(parsed) ? undefined : Math.floor(parsed / 1000);
}
