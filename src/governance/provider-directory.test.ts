import { expect, test } from 'vitest';
import { DATABASES } from '../../test/kit/databases.ts';
import { openGovernance } from '../../test/kit/governance.ts';
import { createChanges } from '../store/changes.ts';
import { createProviderDirectory } from './provider-directory.ts';

const FAULT = new Error('the database is away');

test.for(DATABASES)('on %s, the providers follow every change, and what was taken stays as it was', async (type) => {
  await using scene = await openGovernance(type);
  await scene.ask('POST', '/api/providers', { name: 'openai', keys: [{ name: 'a', value: 'sk-a' }] });
  const directory = await createProviderDirectory({
    ...scene.stores,
    changes: scene.changes,
    onError: (error) => expect.unreachable(String(error)),
  });
  const before = directory.find('openai');
  expect(before?.keys.map((key) => [key.name, key.value.resolve()])).toEqual([['a', 'sk-a']]);
  expect(directory.find('anthropic')).toBeUndefined();
  expect(directory.list()).toEqual([before]);
  expect(directory.list()).toBe(directory.list());

  await scene.ask('POST', '/api/providers', { name: 'anthropic' });
  await scene.ask('POST', '/api/providers/openai/keys', { name: 'b', value: 'sk-b' });
  await scene.ask('PUT', '/api/providers/openai', { network_config: { max_retries: 5 } });
  expect(directory.list().map(({ record, keys }) => [record.name, record.network.max_retries, keys.length])).toEqual([
    ['openai', 5, 2],
    ['anthropic', 0, 0],
  ]);
  expect(before?.keys).toHaveLength(1);
  expect(Object.isFrozen(before) && Object.isFrozen(before?.keys) && Object.isFrozen(before?.record.network)).toBe(
    true,
  );

  await scene.ask('DELETE', '/api/providers/openai');
  expect(directory.find('openai')).toBeUndefined();
});

test('another process on the same PostgreSQL hears of a change', async () => {
  await using scene = await openGovernance('postgres');
  const changes = await createChanges(scene.database, () => {});
  const directory = await createProviderDirectory({ ...scene.stores, changes, onError: () => {} });
  await scene.ask('POST', '/api/providers', { name: 'openai' });
  await expect.poll(() => directory.find('openai')?.record.name).toBe('openai');
  await changes.close();
});

test('what cannot be read is refused, until it can be read again', async () => {
  await using scene = await openGovernance();
  let isAway = false;
  const errors: unknown[] = [];
  const { providers, providerKeys } = scene.stores;
  const directory = await createProviderDirectory({
    providers,
    providerKeys: { list: () => (isAway ? Promise.reject(FAULT) : providerKeys.list()) },
    changes: scene.changes,
    onError: (error) => void errors.push(error),
  });
  isAway = true;
  await scene.ask('POST', '/api/providers', { name: 'openai' });
  expect(errors).toEqual([FAULT]);
  expect(() => directory.find('openai')).toThrow(expect.objectContaining({ code: 'database_unavailable' }) as Error);
  isAway = false;
  await expect.poll(() => directory.list().length).toBe(1);
});
