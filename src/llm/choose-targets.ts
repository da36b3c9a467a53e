import type { Caller } from '../governance/caller.ts';
import { decideModel, rankProviders, usableKeys } from '../governance/model-access.ts';
import type { ConfiguredProvider, ProviderDirectory } from '../governance/provider-directory.ts';
import { isKeyLess, providerType } from '../governance/provider-settings.ts';
import type { Spend } from '../governance/spend.ts';
import { GatewayError } from '../lib/errors.ts';
import type { CallerHeaders } from '../mcp/relay/forwarded-headers.ts';
import type { ProviderKey } from '../store/providers.ts';
import { noKey } from './key-less.ts';
import type { Providers } from './providers/providers.ts';
import type { ModelRequest } from './request.ts';
import type { Target } from './target.ts';

/** Who asks for what. */
export interface Question {
  readonly request: ModelRequest;
  readonly caller: Caller;
  readonly headers: CallerHeaders;
  /** The provider of models that are named without one. */
  readonly provider: string | undefined;
}

/** Who may be asked, in order; never nobody. Throws `model_not_found`, `provider_blocked`, `model_blocked`. */
export type ChooseTargets = (question: Question) => readonly [Target, ...Target[]];

interface ChooseDeps {
  readonly directory: Pick<ProviderDirectory, 'find' | 'list'>;
  readonly providers: Pick<Providers, 'find'>;
  readonly spend: Pick<Spend, 'peek'>;
  readonly random?: () => number;
}

/** A model and who is asked for it. */
interface Candidate {
  readonly known: ConfiguredProvider;
  readonly model: string;
}

/** Never nobody. */
type Candidates = readonly [Candidate, ...Candidate[]];

export function createChooseTargets({ directory, providers, spend, random = Math.random }: ChooseDeps): ChooseTargets {
  /** The part before the first slash is a provider only if there is one of that name: models have slashes of their own. */
  function candidatesFor(name: string, { caller, provider }: Question): Candidates {
    const slash = name.indexOf('/');
    const named = slash === -1 ? undefined : directory.find(name.slice(0, slash));
    if (named !== undefined) return [{ known: named, model: name.slice(slash + 1) }];
    const own = provider === undefined ? undefined : directory.find(provider);
    if (own !== undefined) return [{ known: own, model: name }];
    return resolveBare(name, caller);
  }

  /** A model without its provider: whoever is known to have it, if that is clear. */
  function resolveBare(model: string, { key }: Caller): Candidates {
    const all = directory.list().filter(({ record }) => decideModel(key, record.name, model).allowed);
    const naming = all.filter(({ keys }) => usableKeys(keys, model).some(({ models }) => !models.includes('*')));
    const found = naming.length > 0 ? naming : all;
    const ranking = {
      random,
      hasRoom: (limits: Target['limits']) => !spend.peek(limits).some(({ isExhausted }) => isExhausted),
    };
    const names = rankProviders(
      key,
      model,
      found.map(({ record }) => record.name),
      ranking,
    );
    const ranked = names.flatMap((name) => found.find(({ record }) => record.name === name) ?? []);
    const [head, ...others] = ranked.map((known) => ({ known, model }));
    if (head === undefined || (key === undefined && others.length > 0)) throw unknown(model, directory);
    return [head, ...others];
  }

  function targetOf({ known, model }: Candidate, { request, caller, headers }: Question): Target {
    const { record } = known;
    const { format } = request;
    const decision = decideModel(caller.key, record.name, model);
    if (!decision.allowed) throw new GatewayError(decision.code, decision.reason);
    const provider = providers.find(providerType(record));
    if (provider === undefined)
      throw new GatewayError('model_not_found', `the gateway does not speak the format of provider ${record.name}`);
    if (
      record.custom?.allowed_requests !== undefined &&
      record.custom.allowed_requests[REQUEST_TYPES[format] ?? format] !== true
    )
      throw new GatewayError('invalid_request', `provider ${record.name} does not take ${format} (allowed_requests)`);
    const keys = named(usableKeys(known.keys, model, decision.keyIds), headers);
    if (keys.length === 0 && isKeyLess(record)) keys.push(noKey(record.name));
    if (keys.length === 0)
      throw new GatewayError(
        'model_not_found',
        `no key of provider ${record.name} may be used for the model "${model}"`,
      );
    return { record, provider, model, keys, limits: decision.limits };
  }

  return (question) => {
    const { request } = question;
    const usable = (candidate: Candidate): Target[] => attempt(() => [targetOf(candidate, question)]) ?? [];
    const [head, ...others] = candidatesFor(request.model, question);
    // What was asked for is refused aloud; a fallback that may not be used is none.
    const first = others.length === 0 ? [targetOf(head, question)] : [head, ...others].flatMap(usable);
    const fallbacks = request.fallbacks.flatMap((name) => attempt(() => candidatesFor(name, question)) ?? []);
    const [best, ...next] = [...first, ...fallbacks.flatMap(usable)];
    return best === undefined ? [targetOf(head, question)] : [best, ...next];
  };
}

/** Kinds of requests by the names that `allowed_requests` has for them. */
const REQUEST_TYPES: Readonly<Record<string, string>> = {
  chat: 'chat_completion',
  responses: 'responses',
  messages: 'chat_completion',
  embeddings: 'embedding',
};

/** Of the keys the one that a header names, if it names one. */
function named(keys: readonly ProviderKey[], headers: CallerHeaders): ProviderKey[] {
  const id = headers['x-bf-api-key-id'];
  const name = headers['x-bf-api-key'];
  if (id !== undefined) return keys.filter((key) => key.id === id);
  return name === undefined ? [...keys] : keys.filter((key) => key.name === name);
}

/** What the function gives, or nothing where it refuses. */
function attempt<T>(run: () => T): T | undefined {
  try {
    return run();
  } catch (error) {
    if (error instanceof GatewayError) return undefined;
    throw error;
  }
}

function unknown(model: string, directory: Pick<ProviderDirectory, 'list'>): GatewayError {
  const names = directory.list().map(({ record }) => record.name);
  const hint = names.length === 0 ? 'no provider is configured' : `configured providers: ${names.join(', ')}`;
  return new GatewayError(
    'model_not_found',
    `the model "${model}" is not known; write it as "provider/model" (${hint})`,
    {
      details: { model },
    },
  );
}
