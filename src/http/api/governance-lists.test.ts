import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  DAY_MS,
  FULL_KEY,
  KEYS,
  keyRequests,
  openGovernance,
  type GovernanceScene,
} from '../../../test/kit/governance.ts';
import { BudgetView, CustomerView, QuotaView, TeamView, type VirtualKeyView } from '../../contract/governance.ts';
import { hashKeyValue } from '../../lib/virtual-key.ts';

let scene: GovernanceScene;
beforeEach(async () => {
  scene = await openGovernance();
});
afterEach(() => scene[Symbol.asyncDispose]());

const { createKey, updateKey, refusal } = keyRequests(() => scene);

describe('lists', () => {
  test('of keys come in pages, by name, team and customer', async () => {
    const team = TeamView.parse(await scene.write('POST', '/teams', { name: 't' }));
    const customer = CustomerView.parse(await scene.write('POST', '/customers', { name: 'c' }));
    for (const [index, name] of ['Build', 'rebuild', 'deploy'].entries()) {
      await createKey({
        name,
        mcp_configs: FULL_KEY.mcp_configs,
        ...[{ team_id: team.id }, { customer_id: customer.id }, {}][index],
      });
    }
    const list = async (query: string) => {
      const { virtual_keys, ...rest } = (await scene.send('GET', `${KEYS}?${query}`)).body as {
        virtual_keys: VirtualKeyView[];
      };
      return { names: virtual_keys.map(({ name }) => name), ...rest };
    };
    const all = { count: 3, total_count: 3, limit: 3, offset: 0 };
    expect(await list('')).toEqual({ names: ['Build', 'rebuild', 'deploy'], ...all });
    expect(await list('from_memory=true')).toMatchObject(all);
    expect(await list('search=BUILD')).toEqual({
      names: ['Build', 'rebuild'],
      count: 2,
      total_count: 2,
      limit: 25,
      offset: 0,
    });
    expect(await list('limit=1&offset=2')).toEqual({
      names: ['deploy'],
      count: 1,
      total_count: 3,
      limit: 1,
      offset: 2,
    });
    expect((await list(`team_id=${team.id}`)).names).toEqual(['Build']);
    expect((await list(`customer_id=${customer.id}`)).names).toEqual(['rebuild']);
    expect((await list('team_id=x')).names).toEqual([]);
    const { virtual_keys } = (await scene.send('GET', KEYS)).body as { virtual_keys: VirtualKeyView[] };
    expect(virtual_keys.map(({ mcp_configs }) => mcp_configs.length)).toEqual([1, 1, 1]);
    expect(virtual_keys[0]).toMatchObject({ team: { id: team.id, name: 't' } });
    expect(virtual_keys[1]).toMatchObject({ customer: { id: customer.id, name: 'c' } });
    expect((await scene.send('GET', `${KEYS}?limit=x`)).status).toBe(400);
  });

  test('are empty lists when there is nothing', async () => {
    expect((await scene.send('GET', KEYS)).body).toEqual({
      virtual_keys: [],
      count: 0,
      total_count: 0,
      limit: 0,
      offset: 0,
    });
    expect((await scene.send('GET', '/teams')).body).toEqual({ teams: [], count: 0 });
    expect((await scene.send('GET', '/customers')).body).toEqual({ customers: [], count: 0 });
  });

  test('of budgets and limits name their owners', async () => {
    const key = await createKey(FULL_KEY);
    await scene.write('POST', '/teams', { name: 't', budgets: [{ max_limit: 3, reset_duration: '1w' }] });
    const { budgets, count } = (await scene.send('GET', '/budgets')).body as { budgets: BudgetView[]; count: number };
    expect(count).toBe(4);
    const owners = budgets.map((b) =>
      Object.keys(b).filter((name) => /^(virtual_key|team|customer|provider_config)_id$/.test(name)),
    );
    expect(owners.flat().toSorted()).toEqual(['provider_config_id', 'team_id', 'virtual_key_id', 'virtual_key_id']);
    expect(budgets).toContainEqual(key.budgets[0]);
    expect((await scene.send('GET', '/rate-limits')).body).toMatchObject({ count: 2 });
  });
});

describe('teams and customers', () => {
  test('show what belongs to them, and let it go when they are removed', async () => {
    const customer = (await scene.write('POST', '/customers', { name: 'c', budgets: FULL_KEY.budgets })).id as string;
    const created = await scene.send('POST', '/teams', {
      name: 't',
      customer_id: customer,
      rate_limit: FULL_KEY.rate_limit,
    });
    const team = (created.body.team as TeamView).id;
    const inTeam = await createKey({ name: 'in team', team_id: team });
    const ofCustomer = await createKey({ name: 'of customer', customer_id: customer });
    expect((await scene.send('GET', `/teams/${team}`)).body).toMatchObject({
      team: { customer: { id: customer, name: 'c' }, virtual_keys: [{ id: inTeam.id, name: 'in team' }] },
    });
    expect((await scene.send('GET', '/customers')).body).toMatchObject({
      customers: [{ teams: [{ id: team, name: 't' }], virtual_keys: [{ id: ofCustomer.id, name: 'of customer' }] }],
    });
    expect(await refusal('PUT', `/virtual-keys/${inTeam.id}`, { customer_id: customer })).toEqual([400, 'team_id']);
    expect(await updateKey(inTeam.id, { customer_id: customer, team_id: null })).toMatchObject({ team_id: null });
    await updateKey(inTeam.id, { customer_id: '', team_id: team });

    scene.published.length = 0;
    expect((await scene.send('DELETE', `/customers/${customer}`)).body).toEqual({
      message: 'Customer deleted successfully',
    });
    expect(scene.published).toEqual([`customers ${customer}`, `teams ${team}`, `virtual_keys ${ofCustomer.id}`]);
    expect((await scene.send('GET', `/teams/${team}`)).body).toMatchObject({ team: { customer_id: null } });
    expect((await scene.send('GET', `${KEYS}/${ofCustomer.id}`)).body).toMatchObject({
      virtual_key: { customer_id: null },
    });
    expect((await scene.send('DELETE', `/teams/${team}`)).body).toEqual({ message: 'Team deleted successfully' });
    expect((await scene.send('GET', `${KEYS}/${inTeam.id}`)).body).toMatchObject({ virtual_key: { team_id: null } });
    expect((await scene.send('GET', '/budgets')).body).toMatchObject({ count: 0 });
    expect((await scene.send('DELETE', `/teams/${team}`)).status).toBe(404);
    expect((await scene.send('PUT', `/customers/${customer}`, {})).status).toBe(404);
  });

  test('keep what an update does not name', async () => {
    const customer = (await scene.write('POST', '/customers', { name: 'c' })).id as string;
    const team = await scene.write('POST', '/teams', { name: 't', customer_id: customer, budgets: FULL_KEY.budgets });
    scene.usage.set((team as TeamView).budgets[0]?.id ?? '', { used: 1e9, window_start: 0, window_end: 0 });
    const renamed = TeamView.parse(await scene.write('PUT', `/teams/${team.id as string}`, { name: 'new' }));
    expect(renamed).toMatchObject({ name: 'new', customer_id: customer, budgets: [{ current_usage: 1 }, {}] });
    const reset = await scene.write('PUT', `/teams/${team.id as string}`, {
      reset_budget_usage: true,
      customer_id: '',
    });
    expect(reset).toMatchObject({ customer_id: null, budgets: [{ current_usage: 0 }, {}] });
    expect(await refusal('POST', '/teams', { name: 'x', customer_id: 'nobody' })).toEqual([400, 'customer_id']);
  });
});

describe('rotation', () => {
  test('gives a new value, and lets the former one go at once unless there is a grace period', async () => {
    const { id, value } = await createKey({ name: 'k' });
    const rotated = (await scene.send('POST', `${KEYS}/${id}/rotate`)).body as {
      message: string;
      virtual_key: VirtualKeyView;
    };
    expect(rotated.virtual_key.value).not.toBe(value);
    expect(await scene.stores.keys.find(id)).toMatchObject({
      value_hash: hashKeyValue(rotated.virtual_key.value),
      previous_value_hash: undefined,
    });
    scene.settings.vk_rotation_cooldown = 60;
    const before = Date.now();
    await scene.send('POST', `${KEYS}/${id}/rotate`);
    const stored = await scene.stores.keys.find(id);
    expect(stored?.previous_value_hash).toBe(hashKeyValue(rotated.virtual_key.value));
    expect(stored?.previous_expires_at).toBeGreaterThanOrEqual(before + 60_000);
    expect(stored?.previous_expires_at).toBeLessThanOrEqual(Date.now() + 60_000);
    expect((await scene.send('POST', `${KEYS}/nobody/rotate`)).status).toBe(404);
  });

  test('of several keys is done for all or none', async () => {
    const a = await createKey({ name: 'a' });
    const b = await createKey({ name: 'b' });
    expect(await refusal('POST', `${KEYS}/rotate`, { ids: [a.id, 'nobody'] })).toEqual([400, 'ids[1]']);
    expect((await scene.stores.keys.find(a.id))?.value.resolve()).toBe(a.value);
    const { body } = await scene.send('POST', `${KEYS}/rotate`, { ids: [a.id, b.id, a.id] });
    expect(body).toMatchObject({ count: 2, virtual_keys: [{ id: a.id }, { id: b.id }] });
    expect((await scene.stores.keys.find(a.id))?.value.resolve()).not.toBe(a.value);
  });
});

test('a budget can be overridden for a while or for good, which a later update keeps', async () => {
  const key = await createKey(FULL_KEY);
  const [budget] = key.budgets;
  const place = `${KEYS}/${key.id}/budgets/${budget?.id ?? ''}/override`;
  const now = Date.now();
  const { body } = await scene.send('PUT', place, { amount: 10, mode: 'cycles', cycles: 3 });
  expect(body).toMatchObject({ effective_max_limit: 60, budget: { override_amount: 10, override_mode: 'cycles' } });
  const until = (await scene.stores.keys.find(key.id))?.budgets[0]?.override_until ?? 0;
  expect(until).toBeGreaterThanOrEqual(now + 3 * DAY_MS);

  await scene.send('PUT', place, { amount: 7.5, mode: 'forever' });
  const updated = await updateKey(key.id, { budgets: [{ max_limit: 100, reset_duration: '1M' }] });
  expect(updated.budgets).toMatchObject([{ max_limit: 100, override_amount: 7.5, override_mode: 'forever' }]);
  const ended = await scene.send('DELETE', place);
  expect(ended.body).toMatchObject({ effective_max_limit: 100 });
  expect(BudgetView.strict().parse(ended.body.budget)).not.toHaveProperty('override_amount');
  expect(await refusal('PUT', place, { amount: 0, mode: 'forever' })).toEqual([400, 'amount']);
  expect(await refusal('PUT', place, { amount: 1, mode: 'forever', cycles: 2 })).toEqual([400, 'cycles']);
  expect((await scene.send('DELETE', `${KEYS}/${key.id}/budgets/nope/override`)).status).toBe(404);
});

test('a key reads its own quota, and nobody else does', async () => {
  const key = await createKey(FULL_KEY);
  const { body } = await scene.send('GET', `${KEYS}/quota`);
  expect(body).toEqual({ error: 'the virtual key is unknown' });
  const quota = await scene.quota(key.value);
  expect(quota.status).toBe(200);
  expect(QuotaView.strict().parse(quota.body)).toMatchObject({
    virtual_key_name: 'docs-reader',
    is_active: true,
    budgets: key.budgets,
    rate_limit: key.rate_limit,
  });
  expect(JSON.stringify(quota.body)).not.toContain(key.value);
  expect((await scene.quota('sk-bf-other')).status).toBe(401);
});
