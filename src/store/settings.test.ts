import { describe, expect, test } from 'vitest';
import { DATABASES, openTestDatabase } from '../../test/kit/databases.ts';
import { DEFAULT_SETTINGS } from '../contract/client-settings.ts';
import { createSettingsStore } from './settings.ts';

describe.each(DATABASES)('on %s', (type) => {
  test('a value is replaced by put and left alone by putIfAbsent', async () => {
    await using database = await openTestDatabase(type);
    const settings = createSettingsStore(database.db);
    expect(await settings.get('a')).toBeUndefined();
    await settings.putIfAbsent('a', { deep: [1, null] });
    await settings.putIfAbsent('a', 'late');
    expect(await settings.get('a')).toEqual({ deep: [1, null] });
    await settings.put('a', false);
    expect(await settings.get('a')).toBe(false);
  });

  test('client settings are the defaults until they are changed, one by one', async () => {
    await using database = await openTestDatabase(type);
    const settings = createSettingsStore(database.db);
    expect(await settings.loadClientSettings()).toEqual(DEFAULT_SETTINGS);
    await settings.saveClientSettings({});
    await Promise.all([
      settings.saveClientSettings({ mcp_agent_depth: 3, mcp_external_client_url: undefined }),
      settings.saveClientSettings({ allowed_origins: ['*'], enforce_auth_on_inference: false }),
    ]);
    expect(await settings.loadClientSettings()).toEqual({
      ...DEFAULT_SETTINGS,
      mcp_agent_depth: 3,
      allowed_origins: ['*'],
      enforce_auth_on_inference: false,
    });
  });
});
