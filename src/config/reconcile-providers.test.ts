import { afterEach, describe, expect, test } from 'vitest';
import { DATABASES } from '../../test/kit/databases.ts';
import { openGovernance } from '../../test/kit/governance.ts';
import { ConfigFile } from '../contract/config.ts';
import type { ProviderView } from '../contract/provider.ts';
import { CONFIG_FILE } from '../governance/audit.ts';
import { createCommitProvider, providerEntryRules } from '../governance/providers-from-config.ts';
import { parseConfig } from './file.ts';
import { reconcileProviders } from './reconcile-providers.ts';

const VARIABLE = 'ASBRU_TEST_PROVIDER_OF_FILE';
afterEach(() => {
  delete process.env[VARIABLE];
});

const section = {
  openai: {
    keys: [
      { id: 'key-main', name: 'main', value: `env.${VARIABLE}`, models: ['gpt-5'], weight: 2 },
      { name: 'spare', value: 'sk-spare' },
    ],
    network_config: { max_retries: 3, extra_headers: { 'X-A': 'secret of the file' } },
  },
  'house-llm': { custom_provider_config: { base_provider_type: 'openai', is_key_less: true } },
};

describe.each(DATABASES)('on %s', (type) => {
  async function open() {
    const scene = await openGovernance(type);
    const { stores, audit } = scene;
    const lines: string[] = [];
    const log = {
      info: (line: string) => void lines.push(line),
      error: (line: string) => void lines.push(`! ${line}`),
    };
    const commit = createCommitProvider(scene, CONFIG_FILE);
    const reconcile = async (file: unknown, isFileTheTruth = false) => {
      lines.length = 0;
      const { providers: section } = ConfigFile.parse({ providers: file });
      await reconcileProviders({ section, isFileTheTruth, stores, commit, rules: providerEntryRules, log });
      return lines.map((line) => line.replace(' of config.json', ''));
    };
    const trail = async () =>
      (await audit.listAfter(0, 100)).map(({ action, entity, entity_name }) => `${action} ${entity} ${entity_name}`);
    const read = async (name: string) => (await scene.ask('GET', `/api/providers/${name}`)).body as ProviderView;
    return { ...scene, reconcile, trail, read, [Symbol.asyncDispose]: () => scene[Symbol.asyncDispose]() };
  }

  test('providers and keys are inserted, a missing variable is said and stops nothing', async () => {
    await using it = await open();
    expect(await it.reconcile(section)).toEqual([
      'Provider "openai": inserted',
      'Provider key "main": inserted',
      'Provider key "spare": inserted',
      `! Provider key "main": env.${VARIABLE} is not set; the key cannot be used`,
      'Provider "house-llm": inserted',
    ]);
    expect(await it.read('openai')).toMatchObject({
      network_config: { max_retries: 3 },
      keys: [
        { id: 'key-main', weight: 2, models: ['gpt-5'], value: { env_var: `env.${VARIABLE}`, from_env: true } },
        { name: 'spare', models: ['*'], weight: 1 },
      ],
    });
    process.env[VARIABLE] = 'set';
    expect((await it.stores.providerKeys.find('key-main'))?.value.resolve()).toBe('set');
    expect(await it.trail()).toEqual([
      'create provider openai',
      'create provider_key main',
      'create provider_key spare',
      'create provider house-llm',
    ]);
    expect(JSON.stringify(await it.audit.listAfter(0, 10))).not.toMatch(/sk-spare|secret of the file/);
  });

  test('what is as before leaves alone what the API changed, each key for itself; what changed wins', async () => {
    process.env[VARIABLE] = 'set';
    await using it = await open();
    await it.reconcile(section);
    const before = await it.read('openai');
    await it.ask('PUT', '/api/providers/openai', { description: 'by hand' });
    for (const { id } of before.keys) await it.ask('PUT', `/api/providers/openai/keys/${id}`, { weight: 9 });
    await it.ask('POST', '/api/providers/openai/keys', { name: 'own', value: 'sk-own' });
    expect(await it.reconcile(section)).toEqual([
      'Provider "openai": kept',
      'Provider key "main": kept',
      'Provider key "spare": kept',
      'Provider "house-llm": kept',
    ]);
    expect(await it.read('openai')).toMatchObject({ description: 'by hand', keys: [{ weight: 9 }, { weight: 9 }, {}] });

    const [main, spare] = section.openai.keys;
    const changed = { ...section, openai: { ...section.openai, keys: [main, { ...spare, value: 'sk-next' }] } };
    expect(await it.reconcile(changed)).toEqual([
      'Provider "openai": kept',
      'Provider key "main": kept',
      'Provider key "spare": updated',
      'Provider "house-llm": kept',
    ]);
    const after = await it.read('openai');
    expect(after.keys.map(({ name, weight }) => [name, weight])).toEqual([
      ['main', 9],
      ['spare', 1],
      ['own', 1],
    ]);
    expect(after.keys.map(({ id }) => id).slice(0, 2)).toEqual(before.keys.map(({ id }) => id));
    const renamed = { ...section, openai: { ...changed.openai, network_config: {} } };
    expect(await it.reconcile(renamed)).toContain('Provider "openai": updated');
    expect(await it.read('openai')).toMatchObject({ description: '', network_config: { max_retries: 0 } });
  });

  test('as the only truth the file deletes what it does not name, but nothing where it says nothing', async () => {
    process.env[VARIABLE] = 'set';
    await using it = await open();
    await it.reconcile(section);
    const { keys, ...settings } = section.openai;
    expect(await it.reconcile(undefined, true)).toEqual([]);
    expect(await it.reconcile({ openai: { ...settings, keys: keys.slice(0, 1) } }, true)).toEqual([
      'Provider "openai": kept',
      'Provider key "main": kept',
      'Provider key "spare": pruned',
      'Provider "house-llm": pruned',
    ]);
    expect(await it.reconcile({ openai: settings }, true)).toEqual(['Provider "openai": kept']);
    expect((await it.read('openai')).keys).toHaveLength(1);
    expect(await it.reconcile({}, true)).toEqual(['Provider "openai": pruned']);
  });

  test('a broken entry is refused alone, and does not cost its row', async () => {
    await using it = await open();
    await it.reconcile({ openai: { keys: [{ name: 'a', value: 'sk-a' }] } });
    const lines = await it.reconcile(
      {
        openai: {
          keys: [
            { name: 'a', value: '****' },
            { name: 'a', value: 'twice' },
            { name: 'b', value: 'sk-b' },
          ],
        },
        mine: { keys: [{ name: 'c', value: 'd' }] },
        anthropic: { keys: [{ name: 'b', value: 'sk-b' }] },
      },
      true,
    );
    expect(lines).toEqual([
      'Provider "openai": kept',
      '! Provider key "a": refused, value: is a mask, but there is no stored value behind it; send the value itself',
      '! Provider key "a": refused, an earlier entry names the same one',
      'Provider key "b": inserted',
      '! Provider "mine": refused, custom_provider_config: is required: "mine" is not built in; name its base_provider_type, such as "openai"',
      'Provider "anthropic": inserted',
      '! Provider key "b": refused, A provider key with the name "b" already exists',
    ]);
    expect((await it.stores.providerKeys.list()).map((key) => [key.name, key.value.resolve()])).toEqual([
      ['a', 'sk-a'],
      ['b', 'sk-b'],
    ]);
  });

  test('two processes that start from the same file insert it once', async () => {
    process.env[VARIABLE] = 'set';
    await using it = await open();
    await Promise.all([it.reconcile(section), it.reconcile(section)]);
    expect((await it.read('openai')).keys).toHaveLength(2);
    expect(await it.stores.providers.list()).toHaveLength(2);
  });
});

test('the schema of the file knows the section, and says what is wrong with it', () => {
  const { warnings } = parseConfig(
    JSON.stringify({ providers: { openai: { keyz: [], network_config: { retry: 1 } } } }),
  );
  expect(warnings).toEqual([
    'config.json: providers.openai.keyz is not known and has no effect',
    'config.json: providers.openai.network_config.retry is not known and has no effect',
  ]);
  const parse = (providers: object) => () => parseConfig(JSON.stringify({ providers }));
  expect(parse({ 'a/b': {} })).toThrow(/providers\["a\/b"\]: must be lower-case letters/);
  expect(parse({ openai: { keys: [{ value: 'v' }] } })).toThrow('providers.openai.keys[0].name');
});
