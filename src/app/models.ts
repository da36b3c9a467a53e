import { createProviderDirectory } from '../governance/provider-directory.ts';
import { createAskModel } from '../llm/ask-model.ts';
import { createChooseTargets } from '../llm/choose-targets.ts';
import { createComplete, type Complete } from '../llm/complete.ts';
import { createCountTokens, type CountTokens } from '../llm/count-tokens.ts';
import { createInjectTools } from '../llm/inject-tools.ts';
import { createLlmRecords } from '../llm/llm-record.ts';
import { createKeyHealth, type KeyState } from '../llm/key-health.ts';
import { createFindModels, type FindModels } from '../llm/find-models.ts';
import { createListModels, type ListModels } from '../llm/list-models.ts';
import { createListOffered } from '../llm/offered-models.ts';
import { createProviderClients } from '../llm/provider-clients.ts';
import { createProviderPlaces } from '../llm/provider-places.ts';
import { createProviders } from '../llm/providers/providers.ts';
import { createResponseChain } from '../llm/response-chain.ts';
import { createRunTools } from '../llm/run-tools.ts';
import { createSend } from '../llm/send.ts';
import { createGuardedFetch } from '../lib/guarded-fetch.ts';
import type { Accounting } from './accounting.ts';
import type { Common } from './common.ts';
import type { Servers } from './servers.ts';

interface ModelsOptions extends Common {
  readonly accounting: Accounting;
  readonly servers: Pick<Servers, 'catalog' | 'callTool' | 'results'>;
}

/** The side of the models: the providers that are configured, and the way of a request to them. */
export interface Models {
  readonly complete: Complete;
  readonly countTokens: CountTokens;
  readonly listModels: ListModels;
  readonly findModels: FindModels;
  /** Which keys work; none while the database cannot tell which there are. */
  listKeyStates(): readonly KeyState[];
  /** How often requests went on with another key, by provider. */
  readonly keyRotations: ReadonlyMap<string, number>;
}

export async function openModels(options: ModelsOptions): Promise<Models> {
  const { stores, changes, settings, egress, onError, cleanup, accounting, servers } = options;
  const { spend } = accounting;
  const directory = await createProviderDirectory({ ...stores.governance, changes, onError });
  const clients = createProviderClients(egress);
  cleanup.defer(() => clients.close());
  const providers = createProviders({
    fetch: createGuardedFetch({ egress, policy: { kind: 'server' } }),
    machineFetch: createGuardedFetch({ egress, policy: { kind: 'machine-credentials' } }),
  });
  const listOffered = createListOffered({ providers, clients });
  const chooseTargets = createChooseTargets({ directory, providers, spend });
  const injectTools = createInjectTools({ catalog: servers.catalog, settings });
  const health = createKeyHealth();
  const send = createSend({ clients, health });
  const complete = createComplete({
    chooseTargets,
    injectTools,
    askModel: createAskModel({
      send,
      spend,
      records: createLlmRecords({ ...accounting, settings }),
      prices: accounting.prices,
      places: createProviderPlaces(),
    }),
    runTools: createRunTools(servers.callTool, servers.results),
    chain: createResponseChain({ store: stores.responseEnds, onError }),
    settings,
  });
  return {
    complete,
    countTokens: createCountTokens({ chooseTargets, injectTools, send, spend }),
    listModels: createListModels({ directory, listOffered }),
    findModels: createFindModels({ directory, listOffered }),
    listKeyStates() {
      try {
        return health.list(directory.list());
      } catch {
        return [];
      }
    },
    keyRotations: health.rotations,
  };
}
