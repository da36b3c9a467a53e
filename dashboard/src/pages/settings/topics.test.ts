import { expect, test } from 'vitest';
import { ClientSettings, DEFAULT_SETTINGS } from '../../../../src/contract/client-settings.ts';
import { z } from 'zod';
import { flatten, labelOf, topicsOf, unflatten } from './topics.ts';

const { properties = {} } = z.toJSONSchema(ClientSettings) as { properties?: Record<string, object> };

test('every setting has its topic, once', () => {
  const topics = topicsOf(properties);
  expect(topics.map(([title]) => title)).not.toContain('Other');
  const paths = topics.flatMap(([, settings]) => settings.map(({ path }) => path));
  expect(paths.toSorted()).toEqual(Object.keys(flatten(DEFAULT_SETTINGS)).toSorted());
});

test('a setting that no topic knows is shown all the same', () => {
  expect(topicsOf({ brand_new: {} })).toEqual([['Other', [{ path: 'brand_new', schema: {} }]]]);
});

test('settings survive the way to the form and back', () => {
  expect(unflatten(flatten(DEFAULT_SETTINGS))).toEqual(DEFAULT_SETTINGS);
});

test('names are told in words', () => {
  expect(labelOf('mcp_external_client_url')).toBe('External client URL');
  expect(labelOf('oauth2_server_config.access_token_ttl')).toBe('Access token lifetime');
});
