import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, test } from 'vitest';
import { exampleClient } from '../../test/kit/clients.ts';
import { DATABASES, openTestDatabase } from '../../test/kit/databases.ts';
import { GovernanceSection } from '../contract/config.ts';
import { CONFIG_FILE } from '../governance/audit.ts';
import { createCommitEntity } from '../governance/commit-entity.ts';
import { customerFromEntry, keyFromEntry, refreshValue, teamFromEntry } from '../governance/from-config.ts';
import type { ReadUsage } from '../governance/limit-views.ts';
import { providerEntryRules } from '../governance/providers-from-config.ts';
import { createEncryption } from '../lib/encryption.ts';
import { hashKeyValue } from '../lib/virtual-key.ts';
import { createAuditStore } from '../store/audit.ts';
import { createGovernanceStores } from '../store/governance-stores.ts';
import { reconcileGovernance } from './reconcile-governance.ts';

const rules = { customerFromEntry, teamFromEntry, keyFromEntry, refreshValue };
const encryption = createEncryption(randomBytes(32));
const VARIABLE = 'ASBRU_TEST_VIRTUAL_KEY';
afterEach(() => {
  delete process.env[VARIABLE];
});

const section = {
  customers: [{ id: 'acme', name: 'Acme', budgets: [{ max_limit: 100, reset_duration: '1M' }] }],
  teams: [{ id: 'red', name: 'Red', customer_id: 'acme', rate_limit_id: 'slow' }],
  virtual_keys: [
    {
      id: 'vk-ci',
      name: 'ci',
      value: 'sk-bf-ci',
      team_id: 'red',
      provider_configs: [{ id: 1, provider: 'openai', allowed_models: ['*'], key_ids: ['main key'] }],
      mcp_configs: [{ mcp_client_name: 'wiki', tools_to_execute: ['*'] }],
      rate_limit: { token_max_limit: 10, token_reset_duration: '1h' },
    },
  ],
  budgets: [
    { id: 'b1', max_limit: 5, reset_duration: '1d', virtual_key_id: 'vk-ci' },
    { id: 'b2', max_limit: 1, reset_duration: '1w', provider_config_id: 1 },
  ],
  rate_limits: [{ id: 'slow', request_max_limit: 60, request_reset_duration: '1m' }],
};

describe.each(DATABASES)('on %s', (type) => {
  async function open() {
    const database = await openTestDatabase(type);
    const stores = createGovernanceStores(database.db, encryption);
    await stores.clients.insert(exampleClient());
    const record = { config_hash: '', created_at: 1 };
    const provider = providerEntryRules.providerFromEntry({}, { name: 'openai', ...record });
    await stores.providers.insert(provider);
    const entry = { name: 'main key', value: 'sk-1' };
    await stores.providerKeys.insert(
      providerEntryRules.providerKeyFromEntry(entry, provider, { id: 'key-1', ...record }),
    );
    const audit = createAuditStore(database.db, encryption.deriveKey('audit'));
    const usage: ReadUsage = () => ({ used: 0, window_start: 0, window_end: 0 });
    const context = async () => ({ usage, describeClient: () => undefined });
    const commit = createCommitEntity({ database, stores, audit, context }, CONFIG_FILE);
    /** What the audit trail says so far, such as "create team Red". */
    const trail = async () =>
      (await audit.listAfter(0, 100)).map(({ action, entity, entity_name }) => `${action} ${entity} ${entity_name}`);
    const lines: string[] = [];
    const log = {
      info: (line: string) => void lines.push(line),
      error: (line: string) => void lines.push(`! ${line}`),
    };
    const reconcile = async (file: unknown, isFileTheTruth = false) => {
      lines.length = 0;
      const parsed = file === undefined ? undefined : GovernanceSection.parse(file);
      await reconcileGovernance({ section: parsed, isFileTheTruth, stores, commit, rules, log });
      return lines.map((line) => line.replace(' of config.json', ''));
    };
    const key = async () => {
      const [key] = await stores.keys.list();
      if (key === undefined) throw new Error('there is no key');
      return key;
    };
    return { stores, audit, trail, reconcile, key, [Symbol.asyncDispose]: () => database.close() };
  }

  test('entries are inserted with what the file says elsewhere of their budgets and limits', async () => {
    await using it = await open();
    expect(await it.reconcile(section)).toEqual([
      'Customer "Acme": inserted',
      'Team "Red": inserted',
      'Virtual key "ci": inserted',
    ]);
    const key = await it.key();
    expect(key).toMatchObject({
      id: 'vk-ci',
      value_hash: hashKeyValue('sk-bf-ci'),
      team_id: 'red',
      budgets: [{ max_limit: 5, reset_duration: '1d' }],
      rate_limit: { token_max_limit: 10 },
      provider_configs: [{ provider: 'openai', key_ids: ['key-1'], budgets: [{ max_limit: 1 }] }],
    });
    expect(await it.stores.grants.list()).toMatchObject([
      { virtual_key_id: 'vk-ci', client_id: 'wiki-id', tools_to_execute: ['*'] },
    ]);
    expect(await it.stores.teams.list()).toMatchObject([
      { customer_id: 'acme', rate_limit: { request_max_limit: 60 } },
    ]);
    expect(await it.stores.customers.list()).toMatchObject([{ budgets: [{ max_limit: 100 }] }]);
    expect(await it.trail()).toEqual(['create customer Acme', 'create team Red', 'create virtual_key ci']);
    expect(await it.audit.find(3)).toMatchObject({
      ...{ actor: 'config.json', entity_id: 'vk-ci', before: null, request: null },
      after: {
        name: 'ci',
        value: expect.stringMatching(/^\*+$/) as string,
        mcp_configs: [{ tools_to_execute: ['*'] }],
      },
    });
  });

  test('an entry that is as before leaves alone what the API changed; one that changed wins, and usage stays', async () => {
    await using it = await open();
    await it.reconcile(section);
    const before = await it.key();
    await it.stores.keys.update({ ...before, description: 'by hand', is_active: false, metadata: { a: 1 } });
    expect(await it.reconcile(section)).toEqual([
      'Customer "Acme": kept',
      'Team "Red": kept',
      'Virtual key "ci": kept',
    ]);
    expect(await it.key()).toMatchObject({ description: 'by hand' });

    const [entry] = section.virtual_keys;
    const changed = { ...section, virtual_keys: [{ ...entry, value: undefined, mcp_configs: [], name: 'renamed' }] };
    expect(await it.reconcile(changed)).toContain('Virtual key "renamed": updated');
    const after = await it.key();
    expect(after).toMatchObject({
      ...{ id: 'vk-ci', name: 'renamed', description: '', is_active: true, metadata: {} },
      ...{ created_at: before.created_at, value_hash: before.value_hash },
    });
    expect(after.budgets[0]?.id).toBe(before.budgets[0]?.id);
    expect(after.rate_limit?.id).toBe(before.rate_limit?.id);
    expect(after.provider_configs[0]?.id).toBe(before.provider_configs[0]?.id);
    expect(after.provider_configs[0]?.budgets[0]?.id).toBe(before.provider_configs[0]?.budgets[0]?.id);
    expect(await it.stores.grants.list()).toEqual([]);
    expect(await it.reconcile(changed)).toContain('Virtual key "renamed": kept');
    expect((await it.trail()).slice(3)).toEqual(['update virtual_key renamed']);
    expect(await it.audit.find(4)).toMatchObject({
      before: { name: 'ci', mcp_configs: [{}] },
      after: { name: 'renamed', mcp_configs: [] },
    });
  });

  test('what the file does not name stays, unless the file is the truth of that section', async () => {
    await using it = await open();
    await it.reconcile(section);
    expect(await it.reconcile({ virtual_keys: [] })).toEqual([]);
    expect(await it.reconcile(undefined, true)).toEqual([]);
    expect(await it.reconcile({ teams: [], virtual_keys: [{ name: 'new' }] }, true)).toEqual([
      'Team "Red": pruned',
      'Virtual key "ci": pruned',
      'Virtual key "new": inserted',
    ]);
    expect((await it.trail()).slice(3)).toEqual(['delete team Red', 'delete virtual_key ci', 'create virtual_key new']);
    expect(await it.audit.find(4)).toMatchObject({ before: { virtual_keys: [{ id: 'vk-ci' }] }, after: null });
    expect((await it.key()).value.resolve()).toMatch(/^sk-bf-/);
    expect(await it.stores.customers.list()).toHaveLength(1);
    expect((await it.stores.limits.listBudgets()).map(({ owner_kind }) => owner_kind)).toEqual(['customer']);
  });

  test('a row is found by its name, and others in the file may point to it by either', async () => {
    await using it = await open();
    await it.reconcile({ teams: [{ name: 'Red' }] });
    const [team] = await it.stores.teams.list();
    await it.reconcile({
      teams: [{ id: 'red', name: 'Red' }],
      virtual_keys: [
        { name: 'a', team_id: 'red' },
        { name: 'b', team_id: 'Red' },
      ],
      budgets: [{ max_limit: 1, reset_duration: '1d', virtual_key_id: 'b' }],
    });
    const keys = await it.stores.keys.list();
    expect(keys.map((key) => [key.name, key.team_id, key.budgets.length])).toEqual([
      ['a', team?.id, 0],
      ['b', team?.id, 1],
    ]);
  });

  test('a row that goes makes room for the entry that follows it', async () => {
    await using it = await open();
    await it.reconcile({ virtual_keys: [{ name: 'before', value: 'sk-bf-ci' }] });
    expect(await it.reconcile({ virtual_keys: [{ name: 'after', value: 'sk-bf-ci' }] }, true)).toEqual([
      'Virtual key "before": pruned',
      'Virtual key "after": inserted',
    ]);
  });

  test('of two entries by one name or id the second is refused, from the first start on', async () => {
    await using it = await open();
    const file = {
      teams: [
        { id: 'red', name: 'Red' },
        { name: 'Red' },
        { id: 'red', name: 'Crimson' },
        { id: 'blue', name: 'Blue' },
      ],
    };
    for (const outcome of ['inserted', 'kept']) {
      expect(await it.reconcile(file)).toEqual([
        `Team "Red": ${outcome}`,
        '! Team "Red": refused, an earlier entry names the same one',
        '! Team "Crimson": refused, an earlier entry names the same one',
        `Team "Blue": ${outcome}`,
      ]);
    }
  });

  test('a customer and a team may be called the same', async () => {
    await using it = await open();
    const rows = { customers: [{ name: 'Red' }], teams: [{ name: 'Red' }] };
    await it.reconcile(rows);
    await it.reconcile({ ...rows, virtual_keys: [{ name: 'a', customer_id: 'Red' }] });
    expect((await it.key()).customer_id).toBe((await it.stores.customers.list())[0]?.id);
  });

  test('a broken entry is refused alone, and does not cost its row', async () => {
    await using it = await open();
    await it.reconcile(section);
    const [entry] = section.virtual_keys;
    const lines = await it.reconcile(
      {
        virtual_keys: [
          { ...entry, rate_limit: undefined, rate_limit_id: 'nowhere' },
          { name: 'lost', team_id: 'nowhere' },
          { name: 'deaf', provider_configs: [{ provider: 'anthropic', key_ids: ['main key'] }] },
          { name: 'blind', mcp_configs: [{ mcp_client_name: 'nowhere' }] },
          { name: 'unset', value: `env.${VARIABLE}` },
          { name: 'twin', value: 'sk-bf-ci' },
          { name: 'good' },
        ],
        budgets: [{ max_limit: 1, reset_duration: '1d', team_id: 'nowhere' }],
      },
      true,
    );
    expect(lines).toEqual([
      '! config.json: governance.budgets[0] names no owner that is in this file; it has no effect',
      '! Virtual key "ci": refused, rate_limit_id: there is no rate limit "nowhere" in the file',
      '! Virtual key "lost": refused, team_id: there is no team "nowhere"',
      '! Virtual key "deaf": refused, provider_configs[0].key_ids[0]: the provider "anthropic" has no key "main key"',
      '! Virtual key "blind": refused, mcp_configs[0].mcp_client_name: there is no MCP client "nowhere"',
      `! Virtual key "unset": refused, value: env.${VARIABLE} is not set`,
      '! Virtual key "twin": refused, A virtual key with this value already exists',
      'Virtual key "good": inserted',
    ]);
    expect((await it.stores.keys.list()).map(({ name }) => name)).toEqual(['ci', 'good']);
    expect((await it.trail()).slice(3)).toEqual(['create virtual_key good']);
  });

  test('a value in the environment is read again at each start, and opens nothing without its variable', async () => {
    await using it = await open();
    const file = { virtual_keys: [{ name: 'ci', value: `env.${VARIABLE}` }] };
    process.env[VARIABLE] = 'legacy one';
    await it.reconcile(file);
    expect(await it.key()).toMatchObject({
      value_hash: hashKeyValue('legacy one'),
      value: { reference: `env.${VARIABLE}` },
    });
    process.env[VARIABLE] = 'two';
    expect(await it.reconcile(undefined)).toEqual(['Virtual key "ci": its value was read again']);
    expect((await it.key()).value_hash).toBe(hashKeyValue('two'));
    delete process.env[VARIABLE];
    expect(await it.reconcile(file)).toEqual([
      'Virtual key "ci": kept',
      `! Virtual key "ci": env.${VARIABLE} is not set; the key opens nothing`,
    ]);
    expect((await it.key()).value_hash).not.toBe(hashKeyValue(''));
    expect((await it.key()).value_hash).not.toBe(hashKeyValue('two'));
    expect(await it.trail()).toEqual(['create virtual_key ci', 'rotate virtual_key ci', 'rotate virtual_key ci']);
  });

  test('two processes that start from the same file insert it once', async () => {
    await using it = await open();
    await Promise.all([it.reconcile(section), it.reconcile(section)]);
    expect(await it.stores.keys.list()).toHaveLength(1);
    expect(await it.stores.limits.listBudgets()).toHaveLength(3);
    expect(await it.trail()).toHaveLength(3);
  });
});
