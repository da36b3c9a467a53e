import type { Caller } from '../governance/caller.ts';
import { decideModel, usableKeys } from '../governance/model-access.ts';
import type { ConfiguredProvider, ProviderDirectory } from '../governance/provider-directory.ts';
import { isKeyLess } from '../governance/provider-settings.ts';
import { GatewayError } from '../lib/errors.ts';
import type { ProviderKey } from '../store/providers.ts';
import { noKey } from './key-less.ts';
import { namedModels, nameOf, namesItsModels, type ListedModel, type ListOffered } from './offered-models.ts';

/** Lists the models that a caller may use, of one provider or of all. Who cannot say what it has is left out. */
export type ListModels = (caller: Caller, provider: string | undefined) => Promise<ListedModel[]>;

interface ListDeps {
  readonly directory: Pick<ProviderDirectory, 'find' | 'list'>;
  readonly listOffered: ListOffered;
}

export function createListModels({ directory, listOffered }: ListDeps): ListModels {
  async function listOf(configured: ConfiguredProvider, { key: policy }: Caller): Promise<ListedModel[]> {
    const { record, keys } = configured;
    const wantsNoKey = isKeyLess(record);
    const all = keys.length === 0 && wantsNoKey ? [noKey(record.name)] : keys.filter((key) => key.enabled);
    const ask = async (key: ProviderKey) => (namesItsModels(key) ? namedModels(key) : listOffered(configured, key));
    const lists = await Promise.all(all.map(ask));
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
