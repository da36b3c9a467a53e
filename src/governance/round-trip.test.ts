import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DATABASES } from '../../test/kit/databases.ts';
import { openGovernance, type GovernanceScene } from '../../test/kit/governance.ts';

type JsonObject = Record<string, unknown>;

let scene: GovernanceScene;
let ids: { team: string; customer: string };
let count = 0;

const name = fc.string({ minLength: 1, maxLength: 20 }).map((text) => `${text.trim()} ${(count += 1)}`);
const budget = fc.record(
  {
    max_limit: fc.double({ min: 0, max: 1_000_000, noNaN: true }).map((value) => value + 0),
    reset_duration: fc.constantFrom('1h', '1d', '1w', '1M', '1Q', '2Q', '30s'),
    calendar_aligned: fc.option(fc.boolean()),
    reset_config: fc.option(fc.record({ quarter_start_month: fc.integer({ min: 1, max: 12 }) })),
  },
  { requiredKeys: ['max_limit', 'reset_duration'] },
);
const budgets = fc.option(fc.uniqueArray(budget, { selector: (entry) => entry.reset_duration, maxLength: 4 }));
const half = (kind: string) =>
  fc.record({
    [`${kind}_max_limit`]: fc.integer({ min: 1 }),
    [`${kind}_reset_duration`]: fc.constantFrom('1m', '1h', '1d'),
  });
const rate_limit = fc.option(
  fc.oneof(
    half('token'),
    half('request'),
    fc.tuple(half('token'), half('request')).map(([a, b]) => ({ ...a, ...b })),
  ),
);
const limits = { budgets, rate_limit };
const whiteList = fc.option(
  fc.oneof(
    fc.constant(['*']),
    fc.uniqueArray(fc.string({ minLength: 1 }).filter((text) => text.trim() !== '' && text !== '*')),
  ),
);
const provider = fc.record(
  {
    provider: fc.string({ minLength: 1 }),
    weight: fc.option(fc.double({ min: 0, max: 10, noNaN: true }).map((value) => value + 0)),
    allowed_models: whiteList,
    blacklisted_models: whiteList,
    allow_all_keys: fc.option(fc.boolean()),
    key_ids: fc.option(fc.constantFrom(['*'], [])),
    ...limits,
  },
  { requiredKeys: ['provider'] },
);
const named = fc.record({ provider: fc.constant('openai'), key_ids: fc.subarray(['first', 'second']) });
const grant = fc.record(
  { mcp_client_name: fc.constantFrom('wiki', 'mail'), tools_to_execute: whiteList },
  { requiredKeys: ['mcp_client_name'] },
);
const owner = fc.constantFrom('team', 'customer', 'none', 'empty').map((kind) => {
  if (kind === 'empty') return { team_id: '', customer_id: null };
  return kind === 'none' ? {} : { [`${kind}_id`]: ids[kind] };
});
const keyFields = fc.record(
  {
    name,
    description: fc.option(fc.string()),
    is_active: fc.option(fc.boolean()),
    provider_configs: fc.option(
      fc.uniqueArray(fc.oneof(provider, named), { selector: (entry) => entry.provider, maxLength: 3 }),
    ),
    allow_all_providers: fc.option(fc.boolean()),
    mcp_configs: fc.option(fc.uniqueArray(grant, { selector: (entry) => entry.mcp_client_name })),
    calendar_aligned: fc.option(fc.boolean()),
    expires_at: fc.option(
      fc.oneof(
        fc.constant(''),
        fc
          .date({ min: new Date('2050-01-01'), max: new Date('9000-01-01'), noInvalidDate: true })
          .map((date) => date.toISOString()),
      ),
    ),
    delete_after_expire: fc.option(fc.boolean()),
    disable_content_logging: fc.option(fc.boolean()),
    metadata: fc.option(fc.dictionary(fc.string(), fc.jsonValue())),
    ...limits,
  },
  { requiredKeys: ['name'] },
);
const key = fc.tuple(keyFields, owner).map(([fields, owner]) => ({ ...fields, ...owner }));
const team = fc.record(
  { name, customer_id: fc.constantFrom('', null, undefined, 'yes'), ...limits },
  { requiredKeys: ['name'] },
);
const customer = fc.record({ name, ...limits }, { requiredKeys: ['name'] });

/** An entity without the one thing that a write always changes. */
function still({ updated_at: _when, ...rest }: JsonObject): JsonObject {
  return rest;
}

async function checkRoundTrip(path: string, field: string, body: JsonObject): Promise<void> {
  const created = await scene.write('POST', path, body);
  const place = `${path}/${created.id as string}`;
  const read = (await scene.send('GET', place)).body[field] as JsonObject;
  expect(read).toEqual(created);

  const answer = await scene.send('PUT', place, read);
  expect(answer).toMatchObject({ status: 200 });
  expect(answer.body).not.toHaveProperty('warnings');
  expect(still(answer.body[field] as JsonObject)).toEqual(still(read));
  expect(still((await scene.send('GET', place)).body[field] as JsonObject)).toEqual(still(read));

  // Nothing at all is a change of nothing, too.
  expect(still(await scene.write('PUT', place, {}))).toEqual(still(read));
  expect((await scene.send('DELETE', place)).status).toBe(200);
}

describe.each(DATABASES)('on %s, what is read can be written back and changes nothing', (type) => {
  const runs = { numRuns: type === 'sqlite' ? 60 : 10 };
  beforeAll(async () => {
    scene = await openGovernance(type);
    const keys = ['first', 'second'].map((name) => ({ name, value: 'sk' }));
    await scene.ask('POST', '/api/providers', { name: 'openai', keys });
    ids = {
      team: (await scene.write('POST', '/teams', { name: 'the team' })).id as string,
      customer: (await scene.write('POST', '/customers', { name: 'the customer' })).id as string,
    };
  });
  afterAll(() => scene[Symbol.asyncDispose]());

  test('of virtual keys', async () => {
    await fc.assert(
      fc.asyncProperty(key, async (body) => {
        await checkRoundTrip('/virtual-keys', 'virtual_key', body);
      }),
      runs,
    );
  });

  test('of teams', async () => {
    await fc.assert(
      fc.asyncProperty(team, async (body) => {
        const customer_id = body.customer_id === 'yes' ? ids.customer : body.customer_id;
        await checkRoundTrip('/teams', 'team', { ...body, customer_id });
      }),
      runs,
    );
  });

  test('of customers', async () => {
    await fc.assert(
      fc.asyncProperty(customer, async (body) => {
        await checkRoundTrip('/customers', 'customer', body);
      }),
      runs,
    );
  });

  test('and writes at the same time do not undo each other', async () => {
    const { id } = await scene.write('POST', '/virtual-keys', { name: 'busy' });
    const parts = [{ description: 'a' }, { is_active: false }, { metadata: { b: 1 } }, { allow_all_providers: true }];
    await Promise.all(parts.map((part) => scene.write('PUT', `/virtual-keys/${id as string}`, part)));
    const { virtual_key } = (await scene.send('GET', `/virtual-keys/${id as string}`)).body;
    for (const part of parts) expect(virtual_key).toMatchObject(part);
  });
});
