import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { DAY_MS, openGovernance, type GovernanceScene } from '../../../test/kit/governance.ts';
import { BudgetView, CustomerView, QuotaView, TeamView, VirtualKeyView } from '../../contract/governance.ts';
import { clientNumber } from '../../lib/client-number.ts';
import { hashKeyValue } from '../../lib/virtual-key.ts';

let scene: GovernanceScene;
beforeEach(async () => {
  scene = await openGovernance();
});
afterEach(() => scene[Symbol.asyncDispose]());

const KEYS = '/virtual-keys';
const createKey = async (body: object) => VirtualKeyView.parse(await scene.write('POST', KEYS, body));
const updateKey = async (id: string, body: object) =>
  VirtualKeyView.parse(await scene.write('PUT', `${KEYS}/${id}`, body));
/** The status and the field that a refused write names. */
async function refusal(method: string, path: string, body?: unknown) {
  const { status, body: answer } = await scene.send(method, path, body);
  const { field, fields } = answer.extra_fields as { field?: string; fields?: { path: string }[] };
  return [status, field ?? fields?.[0]?.path];
}

const full = {
  name: 'docs-reader',
  description: 'reads docs',
  provider_configs: [
    {
      provider: 'openai',
      weight: 1,
      allowed_models: ['*'],
      key_ids: ['*'],
      budgets: [{ max_limit: 2, reset_duration: '1d' }],
      rate_limit: { token_max_limit: 1000, token_reset_duration: '1h' },
    },
  ],
  mcp_configs: [{ mcp_client_name: 'wiki', tools_to_execute: ['read_page'] }],
  budgets: [
    { max_limit: 50, reset_duration: '1M', calendar_aligned: true },
    { max_limit: 5, reset_duration: '1d' },
  ],
  rate_limit: { request_max_limit: 60, request_reset_duration: '1m' },
  metadata: { cost_centre: 7 },
};

describe('a virtual key', () => {
  test('is created with a value of its own, and shown with everything that was sent', async () => {
    const key = await createKey(full);
    expect(key.value).toMatch(/^sk-bf-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(key).toMatchObject({
      name: 'docs-reader',
      description: 'reads docs',
      is_active: true,
      team_id: null,
      customer_id: null,
      metadata: { cost_centre: 7 },
      budgets: [
        { max_limit: 50, reset_duration: '1M', calendar_aligned: true, current_usage: 0, virtual_key_id: key.id },
        { max_limit: 5, reset_duration: '1d', calendar_aligned: false },
      ],
      rate_limit: {
        request_max_limit: 60,
        request_reset_duration: '1m',
        token_max_limit: null,
        token_last_reset: null,
      },
      provider_configs: [{ provider: 'openai', weight: 1, allowed_models: ['*'], key_ids: ['*'], keys: [] }],
      mcp_configs: [
        {
          virtual_key_id: key.id,
          mcp_client_id: clientNumber('wiki-id'),
          mcp_client_name: 'wiki',
          mcp_client: { client_id: 'wiki-id' },
          tools_to_execute: ['read_page'],
        },
      ],
    });
    expect(key.rate_limit_id).toBe(key.rate_limit?.id);
    expect(scene.published).toEqual([`virtual_keys ${key.id}`]);
    expect((await scene.send('GET', `${KEYS}/${key.id}`)).body).toEqual({ virtual_key: key });
  });

  test('is gone after removal, with all that belonged to it', async () => {
    const key = await createKey(full);
    scene.published.length = 0;
    const removed = await scene.send('DELETE', `${KEYS}/${key.id}`);
    expect(removed.body).toEqual({ message: 'Virtual key deleted successfully' });
    expect(scene.published).toEqual([`virtual_keys ${key.id}`]);
    for (const method of ['GET', 'PUT', 'DELETE']) {
      expect((await scene.send(method, `${KEYS}/${key.id}`, method === 'PUT' ? {} : undefined)).status).toBe(404);
    }
    expect((await scene.send('GET', '/budgets')).body).toEqual({ budgets: [], count: 0 });
    expect((await scene.send('GET', '/rate-limits')).body).toEqual({ rate_limits: [], count: 0 });
    expect(await scene.stores.grants.list()).toEqual([]);
  });

  test('keeps what an update does not name, and clears what it empties', async () => {
    const key = await createKey({ ...full, expires_at: '2090-01-01T00:00:00Z', delete_after_expire: true });
    expect(await updateKey(key.id, { description: 'new' })).toEqual({
      ...key,
      description: 'new',
      updated_at: expect.any(String) as string,
    });
    const cleared = await updateKey(key.id, {
      description: null,
      provider_configs: [],
      mcp_configs: null,
      budgets: [],
      rate_limit: {},
      expires_at: '',
      delete_after_expire: null,
      metadata: null,
    });
    expect(cleared).toMatchObject({
      ...{ name: 'docs-reader', description: '', provider_configs: [], mcp_configs: [], budgets: [] },
      ...{ rate_limit_id: null, expires_at: null, delete_after_expire: null, metadata: {} },
    });
    expect(cleared).not.toHaveProperty('rate_limit');
  });

  test('keeps the ids of budgets and providers that stay, with their usage', async () => {
    const key = await createKey(full);
    const [month, day] = key.budgets;
    scene.usage.set(day?.id ?? '', { used: 1_250_000_000, window_start: Date.UTC(2030, 0, 1), window_end: 0 });
    const updated = await updateKey(key.id, {
      budgets: [
        { max_limit: 9, reset_duration: '1d' },
        { max_limit: 1, reset_duration: '1h' },
      ],
      provider_configs: [{ provider: 'anthropic' }, { provider: 'openai', weight: null }],
    });
    expect(updated.budgets.map(({ id }) => id)).toContain(day?.id);
    expect(updated.budgets.map(({ id }) => id)).not.toContain(month?.id);
    expect(updated.budgets.find(({ id }) => id === day?.id)).toMatchObject({
      ...{ max_limit: 9, current_usage: 1.25, last_reset: '2030-01-01T00:00:00.000Z' },
    });
    // What a known entry leaves out stays.
    expect(updated.provider_configs).toMatchObject([
      { ...key.provider_configs[0], weight: null },
      { provider: 'anthropic', allowed_models: [], key_ids: [], budgets: [] },
    ]);
    const reset = await updateKey(key.id, { reset_budget_usage: true });
    expect(reset.budgets.find(({ id }) => id === day?.id)).toMatchObject({ max_limit: 9, current_usage: 0 });
  });

  test('announces its own row alone when what it may call has changed', async () => {
    const key = await createKey({ name: 'k', mcp_configs: [{ mcp_client_name: 'wiki' }, { mcp_client_name: 'mail' }] });
    scene.published.length = 0;
    await updateKey(key.id, {
      mcp_configs: [...key.mcp_configs.slice(0, 1), { mcp_client_name: 'mail', tools_to_execute: ['*'] }],
    });
    expect(scene.published).toEqual([`virtual_keys ${key.id}`]);
  });

  test('finds a server by the id it was shown with, also when the name is an older one', async () => {
    const key = await createKey({ name: 'k', mcp_configs: [{ mcp_client: { client_id: 'wiki-id' } }] });
    const updated = await updateKey(key.id, {
      mcp_configs: [{ ...key.mcp_configs[0], mcp_client_name: 'before', tools_to_execute: ['*'] }],
    });
    expect(updated.mcp_configs).toEqual([{ ...key.mcp_configs[0], tools_to_execute: ['*'] }]);
  });

  test('may have an expiry that has passed, as long as nobody sets it', async () => {
    const key = await createKey(full);
    const stored = await scene.stores.keys.find(key.id);
    if (stored === undefined) throw new Error('the key is not stored');
    await scene.stores.keys.update({ ...stored, expires_at: Date.UTC(2020, 0, 1) });
    const read = (await scene.send('GET', `${KEYS}/${key.id}`)).body.virtual_key as object;
    expect(await updateKey(key.id, read)).toMatchObject({ expires_at: '2020-01-01T00:00:00.000Z' });
    expect(await refusal('PUT', `${KEYS}/${key.id}`, { expires_at: '2021-01-01T00:00:00Z' })).toEqual([
      400,
      'expires_at',
    ]);
  });

  test('follows a new alignment in the budgets that the update does not speak of', async () => {
    const key = await createKey({ name: 'k', budgets: [{ max_limit: 1, reset_duration: '1d' }] });
    const aligned = await updateKey(key.id, { calendar_aligned: true });
    expect(aligned).toMatchObject({ calendar_aligned: true, budgets: [{ calendar_aligned: true }] });
    const added = await updateKey(key.id, { budgets: [{ max_limit: 1, reset_duration: '1w' }] });
    expect(added.budgets).toMatchObject([{ calendar_aligned: true }]);
  });

  test('takes a single budget for a list of one', async () => {
    const key = await createKey({ name: 'k', budget: { max_limit: 1, reset_duration: '1d' } });
    expect(key.budgets).toMatchObject([{ max_limit: 1, reset_duration: '1d' }]);
    expect((await updateKey(key.id, { budget: null })).budgets).toEqual([]);
  });
});

describe('a broken rule is refused by its field, and nothing is stored', () => {
  const day = { max_limit: 1, reset_duration: '1d' };
  test.each<[string, object, string]>([
    ['no name', { name: undefined }, 'name'],
    ['a value of one’s own', { value: 'sk-bf-mine' }, 'value'],
    ['team and customer', { team_id: '$team', customer_id: '$customer' }, 'team_id'],
    ['an unknown team', { team_id: 'nobody' }, 'team_id'],
    ['an unknown customer', { customer_id: 'nobody' }, 'customer_id'],
    ['an unknown server', { mcp_configs: [{ mcp_client_name: 'nope' }] }, 'mcp_configs[0].mcp_client_name'],
    ['no server', { mcp_configs: [{}] }, 'mcp_configs[0].mcp_client_name'],
    ['an unknown id', { mcp_configs: [{ mcp_client: { client_id: 'x' } }] }, 'mcp_configs[0].mcp_client.client_id'],
    [
      'two servers in one entry',
      { mcp_configs: [{ mcp_client_name: 'mail', mcp_client: { client_id: 'wiki-id' } }] },
      'mcp_configs[0].mcp_client_name',
    ],
    [
      'a server twice',
      { mcp_configs: [{ mcp_client_name: 'wiki' }, { mcp_client: { client_id: 'wiki-id' } }] },
      'mcp_configs[1].mcp_client_name',
    ],
    [
      '"*" with others',
      { mcp_configs: [{ mcp_client_name: 'wiki', tools_to_execute: ['*', 'a'] }] },
      'mcp_configs[0].tools_to_execute',
    ],
    ['a provider twice', { provider_configs: [{ provider: 'a' }, { provider: 'a' }] }, 'provider_configs[1].provider'],
    ['a duration twice', { budgets: [day, day] }, 'budgets[1].reset_duration'],
    [
      'a duration twice, deeper',
      { provider_configs: [{ provider: 'a', budgets: [day, day] }] },
      'provider_configs[0].budgets[1].reset_duration',
    ],
    ['both spellings', { budgets: [day], budget: day }, 'budget'],
    ['less than nothing', { budgets: [{ ...day, max_limit: -1 }] }, 'budgets[0].max_limit'],
    ['no such duration', { budgets: [{ ...day, reset_duration: '1x' }] }, 'budgets[0].reset_duration'],
    [
      'a quarter of requests',
      { rate_limit: { request_max_limit: 1, request_reset_duration: '1Q' } },
      'rate_limit.request_reset_duration',
    ],
    ['a limit alone', { rate_limit: { request_max_limit: 1 } }, 'rate_limit.request_reset_duration'],
    ['a duration alone', { rate_limit: { token_reset_duration: '1m' } }, 'rate_limit.token_max_limit'],
    ['a limit of something else', { rate_limit: { calls: 1 } }, 'rate_limit'],
    ['the past', { expires_at: '2020-01-01T00:00:00Z' }, 'expires_at'],
    ['no time', { expires_at: 'soon' }, 'expires_at'],
    ['a wrong type', { team_id: 7 }, 'team_id'],
  ])('%s', async (_, body, field) => {
    const team = (await scene.write('POST', '/teams', { name: 't' })).id as string;
    const customer = (await scene.write('POST', '/customers', { name: 'c' })).id as string;
    const text = JSON.stringify({ name: 'k', ...body })
      .replace('$team', team)
      .replace('$customer', customer);
    expect(await refusal('POST', KEYS, JSON.parse(text))).toEqual([400, field]);
    const key = await createKey({ ...full, name: 'other' });
    if (field !== 'name') {
      expect(await refusal('PUT', `${KEYS}/${key.id}`, { ...(JSON.parse(text) as object), name: 'x' })).toEqual([
        400,
        field,
      ]);
    }
    expect((await scene.send('GET', `${KEYS}/${key.id}`)).body).toEqual({ virtual_key: key });
    expect((await scene.send('GET', KEYS)).body.count).toBe(1);
  });

  test('ids that are of something else', async () => {
    const key = await createKey(full);
    const other = await createKey({ ...full, name: 'other' });
    const put = (body: object) => refusal('PUT', `${KEYS}/${key.id}`, body);
    expect(await put({ id: other.id })).toEqual([400, 'id']);
    expect(await put({ value: other.value })).toEqual([400, 'value']);
    expect(await put({ provider_configs: other.provider_configs })).toEqual([400, 'provider_configs[0].id']);
    expect(await put({ mcp_configs: other.mcp_configs })).toEqual([400, 'mcp_configs[0].id']);
    expect(await put({ budgets: other.budgets })).toEqual([400, 'budgets[0].id']);
    expect(await put({ team_id: 'x'.repeat(10) })).toEqual([400, 'team_id']);
    for (const id of ['a%2Fb', '..%2f', '%2e%2e', 'a%00b', 'x'.repeat(300)]) {
      const { status } = await scene.send('GET', `${KEYS}/${id}`);
      expect([id, [400, 404].includes(status)]).toEqual([id, true]);
    }
    expect((await scene.send('GET', `${KEYS}/a%2Fb`)).status).toBe(400);
  });

  test('a name that is taken', async () => {
    await createKey({ name: 'k' });
    const other = await createKey({ name: 'other' });
    expect(await refusal('POST', KEYS, { name: ' k ' })).toEqual([409, 'name']);
    expect(await refusal('PUT', `${KEYS}/${other.id}`, { name: 'k' })).toEqual([409, 'name']);
    for (const path of ['/teams', '/customers']) {
      await scene.write('POST', path, { name: 'one' });
      expect(await refusal('POST', path, { name: 'one' })).toEqual([409, 'name']);
    }
  });
});

test('what has no effect is told, at any depth', async () => {
  const { body } = await scene.send('POST', KEYS, {
    ...{ name: 'k', typo: 1, id: 'mine' },
    budgets: [{ max_limit: 1, reset_duration: '1d', limit: 2 }],
    provider_configs: [{ provider: 'a', rate_limit: { request_max_limit: 1, request_reset_duration: '1d', rpm: 3 } }],
    mcp_configs: [{ mcp_client_name: 'wiki', tools: [] }],
  });
  expect(body.warnings).toEqual([
    'unknown field "typo" was ignored',
    'unknown field "id" was ignored',
    'unknown field "budgets[0].limit" was ignored',
    'unknown field "provider_configs[0].rate_limit.rpm" was ignored',
    'unknown field "mcp_configs[0].tools" was ignored',
  ]);
});

describe('lists', () => {
  test('of keys come in pages, by name, team and customer', async () => {
    const team = TeamView.parse(await scene.write('POST', '/teams', { name: 't' }));
    const customer = CustomerView.parse(await scene.write('POST', '/customers', { name: 'c' }));
    for (const [index, name] of ['Build', 'rebuild', 'deploy'].entries()) {
      await createKey({
        name,
        mcp_configs: full.mcp_configs,
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
    const key = await createKey(full);
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
    const customer = (await scene.write('POST', '/customers', { name: 'c', budgets: full.budgets })).id as string;
    const created = await scene.send('POST', '/teams', {
      name: 't',
      customer_id: customer,
      rate_limit: full.rate_limit,
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
    const team = await scene.write('POST', '/teams', { name: 't', customer_id: customer, budgets: full.budgets });
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
  const key = await createKey(full);
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
  const key = await createKey(full);
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
