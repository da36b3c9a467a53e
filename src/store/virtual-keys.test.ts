import { randomBytes } from 'node:crypto';
import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { DATABASES, openTestDatabase } from '../../test/kit/databases.ts';
import { createEncryption } from '../lib/encryption.ts';
import { Secret } from '../lib/secret.ts';
import { hashKeyValue } from '../lib/virtual-key.ts';
import type { Budget, Customer, RateLimit, VirtualKey } from './governance.ts';
import { createGovernanceStores } from './governance-stores.ts';
import { NEW_ID } from './provider-configs.ts';

const encryption = createEncryption(randomBytes(32));
const CANARY = 'sk-bf-canary-in-the-coal-mine';

const budget = (id: string, changes: Partial<Budget> = {}): Budget => ({
  id,
  max_limit: 0.1,
  reset_duration: '1d',
  calendar_aligned: false,
  quarter_start_month: undefined,
  override_amount: undefined,
  override_until: undefined,
  created_at: 1,
  updated_at: 2,
  ...changes,
});
const rateLimit = (id: string): RateLimit => ({
  id,
  token_max_limit: 9_000_000_000,
  token_reset_duration: '1h',
  request_max_limit: undefined,
  request_reset_duration: undefined,
  created_at: 3,
  updated_at: 4,
});
const customer: Customer = {
  ...{ id: 'c', name: 'customer', config_hash: undefined, created_at: 5, updated_at: 6 },
  budgets: [budget('c-1'), budget('c-2', { reset_duration: '1Q', quarter_start_month: 4, created_at: 2 })],
  rate_limit: rateLimit('c-limit'),
};
const team = { ...customer, id: 't', name: 'team', budgets: [budget('t-1')], rate_limit: undefined, customer_id: 'c' };

/** Every field filled with something that is not its default. */
const full: VirtualKey = {
  ...{ id: 'k', name: 'key', description: 'text', created_at: 7, updated_at: 8, config_hash: 'abc' },
  value: Secret.parse(CANARY),
  value_hash: hashKeyValue(CANARY),
  ...{ previous_value_hash: 'old', previous_expires_at: 9, is_active: true, allow_all_providers: true },
  ...{ team_id: 't', customer_id: undefined, calendar_aligned: true, expires_at: 10 },
  ...{ delete_after_expire: false, disable_content_logging: true, created_by_user_id: 'u' },
  metadata: { a: [1, { b: null }] },
  budgets: [budget('k-1', { calendar_aligned: true, override_amount: 2, override_until: 11 })],
  rate_limit: rateLimit('k-limit'),
  provider_configs: [
    {
      ...{ id: NEW_ID, provider: 'openai', weight: 0.3, allow_all_keys: true },
      ...{ allowed_models: ['*'], blacklisted_models: ['o1'], key_ids: ['x', 'y'] },
      budgets: [budget('p-1')],
      rate_limit: rateLimit('p-limit'),
    },
  ],
};

/** Secrets compare by their text, which their JSON does not show. */
const reveal = (key: VirtualKey | undefined) => key && { ...key, value: [key.value.reference, key.value.resolve()] };

describe.each(DATABASES)('on %s', (type) => {
  async function open() {
    const database = await openTestDatabase(type);
    const stores = createGovernanceStores(database.db, encryption);
    await stores.customers.insert(customer);
    await stores.teams.insert(team);
    await stores.keys.insert(full);
    const key = await stores.keys.find('k');
    if (key === undefined) throw new Error('nothing was stored');
    return { database, stores, key, [Symbol.asyncDispose]: () => database.close() };
  }

  test('what is stored is read back, frozen, and its value cannot be read in the database', async () => {
    await using it = await open();
    const [config] = it.key.provider_configs;
    expect(config?.id).toBeGreaterThan(0);
    expect(reveal(it.key)).toEqual(
      reveal({ ...full, provider_configs: [{ ...full.provider_configs[0], ...config }] as never }),
    );
    expect(it.key.provider_configs).toMatchObject(full.provider_configs.map(({ id: _id, ...rest }) => rest));
    expect(Object.isFrozen(it.key.budgets[0])).toBe(true);
    expect(await it.stores.customers.list()).toEqual([customer]);
    expect(await it.stores.teams.list()).toEqual([team]);
    expect((await it.stores.keys.list()).map(reveal)).toEqual([reveal(it.key)]);
    const { rows } = await sql`select * from virtual_keys`.execute(it.database.db);
    expect(JSON.stringify(rows)).not.toContain(CANARY);
    expect(JSON.stringify(rows)).toContain(hashKeyValue(CANARY));
  });

  test('an update replaces everything, and what stays keeps its id', async () => {
    await using it = await open();
    const [config] = it.key.provider_configs;
    const [p1] = config?.budgets ?? [];
    const next: VirtualKey = {
      ...it.key,
      ...{ name: 'renamed', is_active: false, team_id: undefined, customer_id: 'c', expires_at: undefined },
      ...{
        previous_value_hash: undefined,
        previous_expires_at: undefined,
        delete_after_expire: undefined,
        metadata: {},
      },
      value: Secret.parse('env.SOME_KEY'),
      budgets: [...it.key.budgets, budget('k-2', { reset_duration: '1w', created_at: 99 })],
      rate_limit: undefined,
      provider_configs: [
        {
          ...config,
          provider: 'other',
          weight: undefined,
          rate_limit: undefined,
          budgets: [{ ...p1, max_limit: 7 }],
        } as never,
        { ...full.provider_configs[0], budgets: [], rate_limit: undefined } as never,
      ],
    };
    await it.stores.keys.update(next);
    const stored = await it.stores.keys.find('k');
    expect(reveal(stored)).toEqual(
      reveal({
        ...next,
        provider_configs: [
          next.provider_configs[0],
          { ...next.provider_configs[1], id: stored?.provider_configs[1]?.id },
        ] as never,
      }),
    );
    expect(stored?.provider_configs[1]?.id).toBeGreaterThan(config?.id ?? 0);
    expect(await it.stores.limits.listRateLimits()).toMatchObject([{ owner_kind: 'customer', owner_id: 'c' }]);
  });

  test('a name, an id or a value that is taken is a conflict', async () => {
    await using it = await open();
    const insert = (changes: Partial<VirtualKey>) =>
      it.stores.keys.insert({
        ...full,
        provider_configs: [],
        budgets: [],
        rate_limit: undefined,
        id: 'k2',
        name: 'n2',
        value_hash: 'h2',
        ...changes,
      });
    await expect(insert({ name: 'key' })).rejects.toMatchObject({ code: 'conflict', details: { field: 'name' } });
    await expect(insert({ value_hash: full.value_hash })).rejects.toMatchObject({ details: { field: 'value' } });
    await expect(insert({ id: 'k' })).rejects.toMatchObject({ code: 'conflict', details: { field: 'id' } });
    await expect(it.stores.customers.insert({ ...customer, id: 'c2', budgets: [] })).rejects.toMatchObject({
      details: { field: 'name' },
    });
    await expect(it.stores.keys.update({ ...full, id: 'none', name: 'x', value_hash: 'y' })).rejects.toMatchObject({
      code: 'not_found',
    });
    await expect(it.stores.teams.update({ ...team, id: 'none', name: 'x' })).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  test('removal takes all that belongs to it, and leaves what was in it', async () => {
    await using it = await open();
    expect(await it.stores.customers.remove('c')).toBe(true);
    expect((await it.stores.teams.find('t'))?.customer_id).toBeUndefined();
    expect(await it.stores.teams.remove('t')).toBe(true);
    expect((await it.stores.keys.find('k'))?.team_id).toBeUndefined();
    expect((await it.stores.limits.listBudgets()).map(({ limit }) => limit.id).toSorted()).toEqual(['k-1', 'p-1']);
    expect(await it.stores.keys.remove('k')).toBe(true);
    expect(await it.stores.limits.listBudgets()).toEqual([]);
    expect(await it.stores.limits.listRateLimits()).toEqual([]);
    expect(await it.stores.keys.remove('k')).toBe(false);
  });

  test('a write that fails in a transaction leaves nothing behind', async () => {
    await using it = await open();
    const write = it.database.transaction(async (tx) => {
      const at = it.stores.with(tx);
      await at.keys.remove('k');
      await at.customers.insert({ ...customer, id: 'c2' });
    });
    await expect(write).rejects.toMatchObject({ code: 'conflict' });
    expect(reveal(await it.stores.keys.find('k'))).toEqual(reveal(it.key));
  });
});

test('many keys are loaded with as many statements as one', async () => {
  const count = async (keys: number) => {
    await using database = await openTestDatabase('sqlite');
    const stores = createGovernanceStores(database.db, encryption);
    await database.transaction(async (tx) => {
      for (let i = 0; i < keys; i += 1) {
        const own = { id: `k${i}`, name: `n${i}`, value_hash: `h${i}`, team_id: undefined, created_at: i };
        const [config] = full.provider_configs;
        await stores.with(tx).keys.insert({
          ...{ ...full, ...own, budgets: [budget(`b${i}`)], rate_limit: rateLimit(`r${i}`) },
          provider_configs: [{ ...config, budgets: [budget(`p${i}`)], rate_limit: undefined } as never],
        });
      }
    });
    let statements = 0;
    const counted = database.db.withPlugin({
      transformQuery: ({ node }) => {
        statements += 1;
        return node;
      },
      transformResult: async ({ result }) => result,
    });
    const list = await createGovernanceStores(counted, encryption).keys.list();
    expect(list).toHaveLength(keys);
    expect(list.at(-1)?.provider_configs[0]?.budgets[0]?.id).toBe(`p${keys - 1}`);
    return statements;
  };
  expect(await count(200)).toBe(await count(1));
});
