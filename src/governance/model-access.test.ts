import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { budget, rate } from '../../test/kit/limits.ts';
import { Secret } from '../lib/secret.ts';
import type { ProviderConfig } from '../store/governance.ts';
import type { ProviderKey } from '../store/providers.ts';
import type { KeyPolicy } from './caller.ts';
import { compileLimits } from './limits.ts';
import { compileProviders, decideModel, rankProviders, usableKeys } from './model-access.ts';

const config = (provider: string, changes: Partial<ProviderConfig> = {}): ProviderConfig => ({
  ...{ id: 1, provider, weight: undefined, allowed_models: ['*'], blacklisted_models: [], allow_all_keys: false },
  ...{ key_ids: ['*'], budgets: [], rate_limit: undefined },
  ...changes,
});

function policy(configs: readonly ProviderConfig[], changes: Partial<KeyPolicy> = {}): KeyPolicy {
  const { limits } = changes;
  return {
    ...{ id: 'k', name: 'ci', team: undefined, customer: undefined, isActive: true, expiresAt: undefined },
    ...{ disableContentLogging: undefined, allowsAllProviders: false, limits },
    providers: compileProviders(configs, limits),
    ...changes,
  };
}

/** What becomes of a model under these lists: "yes", or the code of the refusal. */
function decide(lists: Partial<ProviderConfig>, model: string): string {
  const decision = decideModel(policy([config('openai', lists)]), 'openai', model);
  return decision.allowed ? 'yes' : decision.code;
}

describe('whether a model may be used', () => {
  test('without a virtual key everything may be', () => {
    expect(decideModel(undefined, 'any', 'thing')).toEqual({ allowed: true, keyIds: ['*'], limits: undefined });
  });

  test('a provider that is not named is refused, unless all are allowed', () => {
    expect(decideModel(policy([]), 'openai', 'gpt-5')).toEqual({
      ...{ allowed: false, code: 'provider_blocked' },
      reason: 'the virtual key "ci" may not use the provider "openai"',
    });
    const open = policy([config('openai', { allowed_models: [] })], { allowsAllProviders: true });
    expect(decideModel(open, 'anthropic', 'x')).toMatchObject({ allowed: true, keyIds: ['*'] });
    expect(decideModel(open, 'openai', 'gpt-5')).toMatchObject({ code: 'model_blocked' });
  });

  test.for<[Partial<ProviderConfig>, string, string]>([
    [{ allowed_models: [] }, 'gpt-5', 'model_blocked'],
    [{ allowed_models: ['*'] }, 'gpt-5', 'yes'],
    [{ allowed_models: ['gpt-5'] }, 'gpt-5', 'yes'],
    [{ allowed_models: ['gpt-5'] }, 'gpt-5-mini', 'model_blocked'],
    [{ allowed_models: ['openai/gpt-5'] }, 'gpt-5', 'yes'],
    [{ allowed_models: ['regex:gpt-.*'] }, 'gpt-5', 'yes'],
    [{ allowed_models: ['regex:gpt'] }, 'gpt-5', 'model_blocked'],
    [{ allowed_models: ['regex:gpt|o3'] }, 'gpt-o3', 'model_blocked'],
    [{ allowed_models: ['regex:GPT-5'] }, 'gpt-5', 'model_blocked'],
    [{ allowed_models: ['regex:(?i)GPT-5'] }, 'gpt-5', 'yes'],
    [{ allowed_models: ['regex:('] }, 'gpt-5', 'model_blocked'],
    [{ blacklisted_models: ['gpt-5'] }, 'gpt-5', 'model_blocked'],
    [{ blacklisted_models: ['gpt-5'] }, 'GPT-5', 'model_blocked'],
    [{ blacklisted_models: ['openai/gpt-5'] }, 'gpt-5', 'model_blocked'],
    [{ blacklisted_models: ['regex:.*-preview'] }, 'gpt-5-Preview', 'model_blocked'],
    [{ blacklisted_models: ['regex:x'] }, 'x'.repeat(300), 'model_blocked'],
    [{ blacklisted_models: ['regex:('] }, 'gpt-5', 'model_blocked'],
    [{ blacklisted_models: ['*'] }, 'gpt-5', 'model_blocked'],
    [{ allowed_models: ['gpt-5'], blacklisted_models: ['gpt-5'] }, 'gpt-5', 'model_blocked'],
    [{ blacklisted_models: ['gpt-5'] }, 'gpt-5-mini', 'yes'],
  ])('by %j, %s: %s', ([lists, model, expected]) => {
    expect(decide(lists, model)).toBe(expected);
  });

  test('the black list is what is said of a model that is on both', () => {
    const key = policy([config('openai', { allowed_models: ['a'], blacklisted_models: ['a'] })]);
    expect(decideModel(key, 'openai', 'a')).toMatchObject({
      reason: expect.stringContaining('blacklisted_models') as string,
    });
    expect(decideModel(key, 'openai', 'b')).toMatchObject({
      reason: expect.stringContaining('allowed_models') as string,
    });
  });

  test('its keys are those that are named, or all', () => {
    const keysOf = (changes: Partial<ProviderConfig>) => decideModel(policy([config('p', changes)]), 'p', 'm');
    expect(keysOf({ key_ids: ['a'] })).toMatchObject({ keyIds: ['a'] });
    expect(keysOf({ key_ids: [] })).toMatchObject({ keyIds: [] });
    expect(keysOf({ key_ids: [], allow_all_keys: true })).toMatchObject({ keyIds: ['*'] });
  });

  test('its limits are those of the provider first, then those of the key', () => {
    const limits = compileLimits([
      {
        ...{ kind: 'virtual_key', name: 'ci' },
        limited: {
          budgets: [budget('k')],
          rate_limit: rate('kr', { request_max_limit: 1, request_reset_duration: '1m' }),
        },
      },
    ]);
    const limited = {
      budgets: [budget('p')],
      rate_limit: rate('pr', { token_max_limit: 1, token_reset_duration: '1m' }),
    };
    const key = policy([config('openai', limited), config('groq')], { limits });
    const decision = decideModel(key, 'openai', 'm');
    const meters = decision.allowed ? decision.limits?.meters : [];
    expect(meters?.map(({ kind, counter_id }) => `${kind} ${counter_id}`)).toEqual([
      'provider_config pr:tokens',
      'virtual_key kr:requests',
      'provider_config p',
      'virtual_key k',
    ]);
    expect(decideModel(key, 'groq', 'm')).toMatchObject({ limits });
  });
});

describe('the order of providers', () => {
  const key = policy([
    config('a', { weight: 1 }),
    config('b', { weight: 3 }),
    config('c', { weight: 2 }),
    config('unweighted'),
    config('other', { weight: 9, allowed_models: ['else'] }),
  ]);
  const all = ['a', 'b', 'c', 'unweighted', 'other', 'not granted'];

  test.for<[number, string[]]>([
    [0, ['a', 'b', 'c']],
    [0.17, ['b', 'c', 'a']],
    [0.66, ['b', 'c', 'a']],
    [0.67, ['c', 'b', 'a']],
    [0.999, ['c', 'b', 'a']],
  ])('begins with the one that %d picks, the others follow by weight', ([random, expected]) => {
    expect(rankProviders(key, 'm', all, { random: () => random })).toEqual(expected);
  });

  test('passes over who has nothing left, as long as others have', () => {
    const limited = policy([config('a', { weight: 1, budgets: [budget('spent')] }), config('b', { weight: 1 })]);
    const random = () => 0;
    const hasRoom = (limits: KeyPolicy['limits']) => limits === undefined;
    expect(rankProviders(limited, 'm', ['a', 'b'], { random, hasRoom })).toEqual(['b']);
    expect(rankProviders(limited, 'm', ['a'], { random, hasRoom })).toEqual(['a']);
  });

  test('is that of the candidates without a key, and where none has a weight', () => {
    const ranking = { random: () => 0 };
    expect(rankProviders(undefined, 'm', ['b', 'a'], ranking)).toEqual(['b', 'a']);
    expect(rankProviders(policy([config('a'), config('b')]), 'm', ['b', 'a', 'c'], ranking)).toEqual(['b', 'a']);
    expect(rankProviders(policy([]), 'm', ['a'], ranking)).toEqual([]);
  });

  test('follows the weights, and names each candidate at most once', () => {
    const weights = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(weights, fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (weights, random) => {
        const names = weights.map((_, index) => `p${index}`);
        const key = policy(weights.map((weight, index) => config(`p${index}`, { weight })));
        const ranked = rankProviders(key, 'm', names, { random: () => random });
        expect(ranked.toSorted()).toEqual(names);
        const weightOf = (name = '') => weights[Number(name.slice(1))] ?? 0;
        if (weights.some((weight) => weight > 0)) expect(weightOf(ranked[0])).toBeGreaterThan(0);
        const rest = ranked.slice(1).map(weightOf);
        expect(rest).toEqual(rest.toSorted((a, b) => b - a));
      }),
    );
  });
});

test('the usable keys of a provider are switched on, named and have the model', () => {
  const key = (id: string, changes: Partial<ProviderKey> = {}): ProviderKey => ({
    ...{ id, name: id, provider: 'openai', value: Secret.literal('v'), models: ['*'], blacklisted_models: [] },
    ...{ weight: 1, enabled: true, aliases: {}, description: '', created_at: 0, updated_at: 0 },
    ...{ azure: undefined, bedrock: undefined, vertex: undefined },
    ...changes,
  });
  const keys = [
    key('all'),
    key('off', { enabled: false }),
    key('some', { models: ['gpt-5', 'regex:o\\d'] }),
    key('black', { blacklisted_models: ['gpt-5'] }),
    key('none', { models: [] }),
  ];
  const ids = (model: string, keyIds?: readonly string[]) => usableKeys(keys, model, keyIds).map(({ id }) => id);
  expect(ids('gpt-5')).toEqual(['all', 'some']);
  expect(ids('o3')).toEqual(['all', 'some', 'black']);
  expect(ids('else', ['*'])).toEqual(['all', 'black']);
  expect(ids('gpt-5', ['some', 'off'])).toEqual(['some']);
  expect(ids('gpt-5', [])).toEqual([]);
});
