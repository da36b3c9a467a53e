import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { DATABASES } from '../../test/kit/databases.ts';
import { openGovernance, type GovernanceScene } from '../../test/kit/governance.ts';
import { looksMasked } from '../lib/secret.ts';

type JsonObject = Record<string, unknown>;

let scene: GovernanceScene;
let count = 0;

const printable = fc.string({ unit: 'grapheme-ascii', minLength: 1, maxLength: 60 });
const secretText = printable.filter((text) => !looksMasked(text) && !/^(?:env|file)\./.test(text));
const secret = fc.oneof(secretText, fc.constant('env.ASBRU_NOT_SET'), fc.constant({ env_var: 'env.ASBRU_NOT_SET' }));
const seconds = fc.integer({ min: 1, max: 2_147_483 });
const milliseconds = fc.integer({ min: 0, max: 5000 });
const whiteList = fc.oneof(fc.constant(['*']), fc.uniqueArray(fc.constantFrom('a', 'b/c', 'regex:d.*', 'D')));
const optional = (model: Record<string, fc.Arbitrary<unknown>>) => fc.option(fc.record(model, { requiredKeys: [] }));

const settings = {
  description: fc.option(fc.string().filter((text) => !text.includes('\0'))),
  network_config: optional({
    base_url: fc.option(fc.constantFrom('https://a.example', 'http://b.example:8080/v1/', '')),
    extra_headers: fc.option(
      fc
        .uniqueArray(fc.constantFrom('X-A', 'x-b', '__proto__', 'Authorization'))
        .chain((names) =>
          fc
            .tuple(...names.map(() => secret))
            .map((values) => Object.fromEntries(names.map((name, index) => [name, values[index]]))),
        ),
    ),
    default_request_timeout_in_seconds: fc.option(seconds),
    max_retries: fc.option(fc.integer({ min: 0, max: 100 })),
    retry_backoff_initial: fc.option(milliseconds),
    retry_backoff_max: fc.option(milliseconds.map((value) => value + 5000)),
    stream_idle_timeout_in_seconds: fc.option(seconds),
    insecure_skip_verify: fc.option(fc.boolean()),
    ca_cert_pem: fc.option(fc.constant('file./nowhere')),
    allow_private_network: fc.option(fc.boolean()),
  }),
  concurrency_and_buffer_size: optional({ concurrency: fc.integer({ min: 1 }), buffer_size: fc.integer({ min: 1 }) }),
  send_back_raw_request: fc.option(fc.boolean()),
  send_back_raw_response: fc.option(fc.boolean()),
  store_raw_request_response: fc.option(fc.boolean()),
};
const provider = fc
  .record(
    {
      ...settings,
      custom_provider_config: fc.record(
        {
          base_provider_type: fc.constantFrom('openai', 'anthropic'),
          is_key_less: fc.option(fc.boolean()),
          allowed_requests: fc.option(fc.dictionary(fc.constantFrom('chat', 'embedding'), fc.boolean())),
          request_path_overrides: fc.option(fc.dictionary(fc.constantFrom('chat', 'embedding'), fc.constant('/x'))),
        },
        { requiredKeys: ['base_provider_type'] },
      ),
    },
    { requiredKeys: ['custom_provider_config'] },
  )
  .map((body) => ({ ...body, name: `p${(count += 1)}` }));
const key = fc
  .record(
    {
      value: secret,
      models: fc.option(whiteList),
      blacklisted_models: fc.option(whiteList),
      weight: fc.option(fc.double({ min: 0, max: 10, noNaN: true }).map((value) => value + 0)),
      enabled: fc.option(fc.boolean()),
      aliases: fc.option(fc.dictionary(fc.constantFrom('x', 'y', '__proto__'), fc.constant('z'))),
      description: fc.option(fc.constant('text')),
      azure_key_config: fc.option(
        fc.record({ endpoint: fc.constant('https://a.example'), api_version: fc.constant('1') }),
      ),
      bedrock_key_config: fc.option(fc.record({ access_key: secret, secret_key: secret, region: fc.constant('r') })),
      vertex_key_config: fc.option(
        fc.record({ project_id: fc.constant('p'), region: fc.constant('r'), auth_credentials: secret }),
      ),
    },
    { requiredKeys: ['value'] },
  )
  .map((body) => ({ ...body, name: `key ${(count += 1)}` }));

/** An entity without the one thing that a write always changes. */
const still = ({ updated_at: _when, ...rest }: JsonObject): JsonObject => rest;

/** What is stored of a provider and its keys, secrets and all. */
async function stored(name: string): Promise<string> {
  const { providers, providerKeys } = scene.stores;
  const rows = [await providers.find(name), ...(await providerKeys.list(name))];
  return JSON.stringify(rows, (field, value: unknown) => {
    if (field === 'updated_at') return undefined;
    const secret = value as { env_var?: string } | null;
    return typeof secret === 'object' && secret !== null && 'env_var' in secret ? '' : value;
  });
}

/** The texts of all secrets, in one order. */
async function secrets(name: string): Promise<string[]> {
  const provider = await scene.stores.providers.find(name);
  const keys = await scene.stores.providerKeys.list(name);
  const all = [
    ...Object.values(provider?.network.extra_headers ?? {}),
    provider?.network.ca_cert_pem,
    ...keys.flatMap(({ value, azure, bedrock, vertex }) => [
      ...[value, azure?.endpoint, bedrock?.access_key, bedrock?.secret_key, vertex?.auth_credentials],
    ]),
  ];
  return all.map((secret) => secret?.reference || secret?.resolve() || '');
}

describe.each(DATABASES)('on %s, what is read can be written back and changes nothing', (type) => {
  beforeAll(async () => {
    scene = await openGovernance(type);
  });
  afterAll(() => scene[Symbol.asyncDispose]());

  test('of providers and their keys', async () => {
    await fc.assert(
      fc.asyncProperty(provider, fc.array(key, { maxLength: 2 }), async (body, keys) => {
        const created = await scene.ask('POST', '/api/providers', { ...body, keys });
        expect(created).toMatchObject({ status: 200 });
        const place = `/api/providers/${body.name}`;
        const read = (await scene.ask('GET', place)).body;
        expect(read).toEqual(created.body);
        const before = [await stored(body.name), await secrets(body.name)];

        const answer = await scene.ask('PUT', place, read);
        expect(answer).toMatchObject({ status: 200 });
        expect(still(answer.body)).toEqual(still(read));
        for (const shown of read['keys'] as JsonObject[]) {
          const keyPlace = `${place}/keys/${shown['id'] as string}`;
          for (const sent of [shown, {}])
            expect(still((await scene.ask('PUT', keyPlace, sent)).body)).toEqual(still(shown));
        }
        expect([await stored(body.name), await secrets(body.name)]).toEqual(before);
        expect((await scene.ask('DELETE', place)).status).toBe(200);
      }),
      { numRuns: type === 'sqlite' ? 60 : 10 },
    );
  });
});
