import { expect, test } from 'vitest';
import type { Price } from '../../data/prices.ts';
import { priceBody, priceDraftOf } from './draft.ts';

const STORED: Price = {
  ...{ id: 'p', name: 'own', scope_kind: 'provider', provider_id: 'openai', match_type: 'exact', pattern: 'gpt-x' },
  patch: { input: 1, output: 2, cache_read: 0 },
  ...{ created_at: '2026-01-01T00:00:00.000Z', updated_at: '2026-01-01T00:00:00.000Z' },
};

test('a price that is left alone is sent as it is stored, a free one too, an absent one not', () => {
  const { id: _, created_at: _created, updated_at: _updated, ...sent } = STORED;
  expect(priceBody(priceDraftOf(STORED), 'provider')).toEqual(sent);
});

test('a price for all providers names none', () => {
  expect(priceBody({ ...priceDraftOf(STORED), scope_kind: 'global' }, 'global')).not.toHaveProperty('provider_id');
  expect(priceBody({ scope_kind: 'global' }, 'global')).toEqual({ scope_kind: 'global' });
});
