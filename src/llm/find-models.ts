import type { FoundModel, FoundModels, ModelsProblem } from '../contract/model.ts';
import { invalid } from '../governance/limit-rules.ts';
import { usableKeys } from '../governance/model-access.ts';
import type { ConfiguredProvider, ProviderDirectory } from '../governance/provider-directory.ts';
import { isKeyLess } from '../governance/provider-settings.ts';
import { GatewayError } from '../lib/errors.ts';
import { unlessAborted } from '../lib/unless-aborted.ts';
import type { ProviderKey } from '../store/providers.ts';
import { noKey } from './key-less.ts';
import { namedModels, nameOf, namesItsModels, type ListOffered } from './offered-models.ts';

/** Which models are looked for. */
export interface ModelSearch {
  /** Words that all stand in "provider/model", in any case. */
  readonly query?: string | undefined;
  readonly provider?: string | undefined;
  /** Only what one of these keys may be used for. */
  readonly keyIds?: readonly string[] | undefined;
  /** Also what no key may be used for. */
  readonly isUnfiltered: boolean;
  readonly limit: number;
}

/** Finds models of the configured providers, for people who choose some. Who does not answer in time is named, not waited for. */
export type FindModels = (search: ModelSearch) => Promise<FoundModels>;

interface FindDeps {
  readonly directory: Pick<ProviderDirectory, 'list'>;
  readonly listOffered: ListOffered;
}

/** What one provider has. */
type Part = Omit<FoundModels, 'total'>;

/** People wait for the answer. A list that comes later is there for the next one. */
const PATIENCE_MS = 2_000;

export function createFindModels({ directory, listOffered }: FindDeps): FindModels {
  async function findAt(configured: ConfiguredProvider, isUnfiltered: boolean, late: AbortSignal): Promise<Part> {
    const { record, keys } = configured;
    const isOpen = isKeyLess(record);
    const names = new Set(
      keys.flatMap((key) => [...namedModels(key).map(({ model }) => model), ...Object.keys(key.aliases)]),
    );
    const problems: ModelsProblem[] = [];
    const ask = async (key: ProviderKey): Promise<void> => {
      try {
        for (const { model } of await unlessAborted(listOffered(configured, key), late)) names.add(model);
      } catch (error) {
        problems.push({ provider: record.name, ...(key.id !== '' && { key_id: key.id }), message: problemOf(error) });
      }
    };
    const asked = keys.filter((key) => key.enabled && (isUnfiltered || !namesItsModels(key)));
    await Promise.all((keys.length === 0 && isOpen ? [noKey(record.name)] : asked).map(ask));
    const models = [...names].map((name) => ({
      ...{ name, provider: record.name },
      accessible_by_keys: usableKeys(keys, name).map(({ id }) => id),
    }));
    const isUsable = ({ accessible_by_keys }: FoundModel): boolean => isOpen || accessible_by_keys.length > 0;
    return { models: isUnfiltered ? models : models.filter(isUsable), problems };
  }

  return async (search) => {
    const { query = '', keyIds, isUnfiltered, limit } = search;
    const late = AbortSignal.timeout(PATIENCE_MS);
    const asked = meantBy(search, directory.list());
    const parts = await Promise.all(asked.map((configured) => findAt(configured, isUnfiltered, late)));
    const isAmong = ({ accessible_by_keys }: FoundModel): boolean =>
      keyIds === undefined || accessible_by_keys.some((id) => keyIds.includes(id));
    const found = rank(parts.flatMap(({ models }) => models).filter(isAmong), query.trim().toLowerCase());
    return {
      models: found.slice(0, limit),
      total: found.length,
      problems: parts.flatMap(({ problems }) => problems),
    };
  };
}

/** The providers that can have what is looked for. One that does not exist is refused: an empty answer would hide the typing error. */
function meantBy({ provider, keyIds }: ModelSearch, all: readonly ConfiguredProvider[]): ConfiguredProvider[] {
  if (provider !== undefined && all.every(({ record }) => record.name !== provider))
    throw invalid('provider', `there is no provider "${provider}"; GET /api/providers lists them`);
  const known = new Set(all.flatMap(({ keys }) => keys.map(({ id }) => id)));
  const stranger = keyIds?.find((id) => !known.has(id));
  if (stranger !== undefined)
    throw invalid('keys', `no key of a provider has the id "${stranger}"; GET /api/keys lists them`);
  return all.filter(
    ({ record, keys }) =>
      (provider ?? record.name) === record.name && (keyIds === undefined || keys.some(({ id }) => keyIds.includes(id))),
  );
}

/** The models with all words of a query, by name; those that begin with it come first, since a short list must not hide them. */
function rank(models: readonly FoundModel[], query: string): FoundModel[] {
  const words = query.split(/\s+/);
  const entries = models
    .map((model) => ({
      model,
      full: nameOf({ provider: model.provider, model: model.name }),
      isLater: !beginsWith(model, query),
    }))
    .filter(({ full }) => words.every((word) => full.toLowerCase().includes(word)));
  return entries
    .toSorted((a, b) => Number(a.isLater) - Number(b.isLater) || (a.full < b.full ? -1 : 1))
    .map(({ model }) => model);
}

function beginsWith({ name }: FoundModel, query: string): boolean {
  return name.toLowerCase().startsWith(query);
}

/** The message of an error of ours; others may quote what came from the provider, which may repeat what it was sent. */
function problemOf(error: unknown): string {
  if (!(error instanceof GatewayError)) return 'its list of models cannot be read';
  return error.code === 'call_cancelled' ? 'it did not list its models in time; ask again later' : error.message;
}
