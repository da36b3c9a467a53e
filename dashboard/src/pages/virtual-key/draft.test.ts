import { expect, test } from 'vitest';
import type { VirtualKey } from '../../data/virtual-keys.ts';
import { keyDraftOf, keyUpdate } from './draft.ts';

const provider = { provider: 'openai', weight: null, allowed_models: ['*'], blacklisted_models: [] };

function keyWith(allow_all_keys: boolean, key_ids: string[]): VirtualKey {
  const provider_configs = [{ ...provider, id: 7, allow_all_keys, key_ids }];
  return { mcp_configs: [], budgets: [], provider_configs } as unknown as VirtualKey; // as far as a draft looks
}

test('all keys of a provider are shown as all, however they were allowed, and taking them away counts', () => {
  const [entry] = keyDraftOf(keyWith(true, [])).provider_configs;
  expect(entry?.key_ids).toEqual(['*']);
  expect(keyDraftOf(keyWith(false, ['a'])).provider_configs[0]?.key_ids).toEqual(['a']);
  const narrowed = entry === undefined ? [] : [{ ...entry, key_ids: ['a'] }];
  expect(keyUpdate({ provider_configs: narrowed }).provider_configs).toEqual([
    { ...provider, id: 7, key_ids: ['a'], allow_all_keys: false },
  ]);
});
