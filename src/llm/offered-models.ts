import type { ConfiguredProvider } from '../governance/provider-directory.ts';
import { providerType } from '../governance/provider-settings.ts';
import { GatewayError } from '../lib/errors.ts';
import type { JsonObject, JsonValue } from '../lib/json-rpc.ts';
import { objectsOf, parseObject, textOf } from '../lib/json-value.ts';
import type { ProviderKey } from '../store/providers.ts';
import { readWhole, startExchange } from './exchange.ts';
import type { ProviderClients } from './provider-clients.ts';
import type { Providers } from './providers/providers.ts';

/** A model of a provider. */
export interface ListedModel {
  readonly provider: string;
  /** As the provider names it. */
  readonly model: string;
  /** Epoch seconds; undefined where nobody says. */
  readonly created: number | undefined;
  readonly owner: string;
}

/** What a provider lists for whoever comes with a key, as it was said within the last hour. Empty for one that has no list. */
export type ListOffered = (configured: ConfiguredProvider, key: ProviderKey) => Promise<readonly ListedModel[]>;

interface OfferedDeps {
  readonly providers: Pick<Providers, 'find'>;
  readonly clients: ProviderClients;
  readonly now?: () => number;
}

/** What a provider said it has, and until when it is believed. */
interface Known {
  readonly models: Promise<readonly ListedModel[]>;
  readonly until: number;
}

const FRESH_MS = 60 * 60_000;
const PATIENCE = { headMs: 10_000, idleMs: 10_000 };
const MAX_LIST_BYTES = 16 * 1024 * 1024;

export function createListOffered({ providers, clients, now = Date.now }: OfferedDeps): ListOffered {
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
    const list = parseObject(body.toString());
    if (list === undefined) throw new GatewayError('provider_bad_reply', 'the list of models is not a JSON object');
    return readModels(record.name, list);
  }

  return (configured, key) => {
    const ofProvider = known.get(configured) ?? new Map<string, Known>();
    known.set(configured, ofProvider);
    const before = ofProvider.get(key.id);
    if (before !== undefined && before.until > now()) return before.models;
    const models = fetchModels(configured, key);
    ofProvider.set(key.id, { models, until: now() + FRESH_MS });
    models.catch(() => ofProvider.delete(key.id));
    return models;
  };
}

/** Several callers may wait for one list, so that none of them ends the request for it. */
const NEVER = new AbortController().signal;

/** The name under which callers ask for a model wherever they ask. */
export function nameOf({ provider, model }: Pick<ListedModel, 'provider' | 'model'>): string {
  return `${provider}/${model}`;
}

/** Whether a key says itself which models it is for, so that nobody needs to be asked. */
export function namesItsModels({ models }: ProviderKey): boolean {
  return !models.some(isPattern);
}

/** The models that a key says it is for, as far as it names them. */
export function namedModels({ models, provider }: ProviderKey): ListedModel[] {
  const prefix = `${provider}/`;
  const names = models.filter((entry) => !isPattern(entry));
  return names.map((name) => {
    const model = name.startsWith(prefix) ? name.slice(prefix.length) : name;
    return { provider, model, created: undefined, owner: provider };
  });
}

function isPattern(entry: string): boolean {
  return entry === '*' || entry.startsWith('regex:');
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
