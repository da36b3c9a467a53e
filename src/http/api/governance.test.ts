import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { FULL_KEY, KEYS, keyRequests, openGovernance, type GovernanceScene } from '../../../test/kit/governance.ts';
import { clientNumber } from '../../lib/client-number.ts';

let scene: GovernanceScene;
beforeEach(async () => {
  scene = await openGovernance();
});
afterEach(() => scene[Symbol.asyncDispose]());

const { createKey, updateKey, refusal } = keyRequests(() => scene);

describe('a virtual key', () => {
  test('is created with a value of its own, and shown with everything that was sent', async () => {
    const key = await createKey(FULL_KEY);
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
    const key = await createKey(FULL_KEY);
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
    const key = await createKey({ ...FULL_KEY, expires_at: '2090-01-01T00:00:00Z', delete_after_expire: true });
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
    const key = await createKey(FULL_KEY);
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
    const key = await createKey(FULL_KEY);
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
    const key = await createKey({ ...FULL_KEY, name: 'other' });
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
    const key = await createKey(FULL_KEY);
    const other = await createKey({ ...FULL_KEY, name: 'other' });
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
