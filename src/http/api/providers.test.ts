import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openGovernance, type GovernanceScene } from '../../../test/kit/governance.ts';
import { VirtualKeyView } from '../../contract/governance.ts';
import { ProviderKeyView, ProviderView } from '../../contract/provider.ts';
import { mask } from '../../lib/secret.ts';

const VARIABLE = 'ASBRU_TEST_PROVIDER_KEY';
const VALUE = 'sk-proj-canary-in-the-coal-mine';
const HEADER = 'the secret of the proxy in between';
const PROVIDERS = '/api/providers';

let scene: GovernanceScene;
beforeEach(async () => {
  scene = await openGovernance();
});
afterEach(async () => {
  delete process.env[VARIABLE];
  await scene[Symbol.asyncDispose]();
});

/** A body with something of everything. */
const FULL = {
  name: 'house-llm',
  description: 'our own',
  network_config: {
    base_url: 'https://llm.example/v1/',
    extra_headers: { 'X-Tenant': HEADER },
    default_request_timeout_in_seconds: 90,
    max_retries: 3,
    retry_backoff_initial: 100,
    retry_backoff_max: 900,
    stream_idle_timeout_in_seconds: 20,
    allow_private_network: true,
  },
  concurrency_and_buffer_size: { concurrency: 4, buffer_size: 8 },
  custom_provider_config: {
    base_provider_type: 'openai',
    allowed_requests: { chat_completion: true, embedding: false },
    request_path_overrides: { chat_completion: '/chat' },
  },
  send_back_raw_response: true,
  keys: [
    { name: 'first', value: VALUE, models: ['gpt-5', 'regex:o\\d'], weight: 0.5, aliases: { fast: 'gpt-5-mini' } },
    { name: 'second', value: `env.${VARIABLE}`, blacklisted_models: ['gpt-5'], enabled: false },
  ],
};

async function add(body: object = FULL): Promise<ProviderView> {
  const answer = await scene.ask('POST', PROVIDERS, body);
  expect(answer).toMatchObject({ status: 200 });
  expect(answer.body).not.toHaveProperty('warnings');
  return ProviderView.parse(answer.body);
}

async function read(name: string): Promise<ProviderView> {
  return ProviderView.parse((await scene.ask('GET', `${PROVIDERS}/${name}`)).body);
}

async function addKey(body: object, provider = 'openai'): Promise<ProviderKeyView> {
  return ProviderKeyView.parse((await scene.ask('POST', `${PROVIDERS}/${provider}/keys`, body)).body);
}

/** The status and the field that a refused write names. */
async function refusal(method: string, path: string, body?: unknown) {
  const { status, body: answer } = await scene.ask(method, path, body);
  const { field, fields } = answer['extra_fields'] as { field?: string; fields?: { path: string }[] };
  return [status, field ?? fields?.[0]?.path];
}

describe('a provider', () => {
  test('is shown with everything that was sent, and no secret', async () => {
    const provider = await add();
    expect(provider).toMatchObject({
      ...{ name: 'house-llm', description: 'our own', provider_status: 'active', status: '', config_hash: '' },
      network_config: {
        base_url: 'https://llm.example/v1',
        extra_headers: { 'X-Tenant': { value: mask(HEADER), env_var: '', from_env: false } },
        ...{ default_request_timeout_in_seconds: 90, max_retries: 3, allow_private_network: true },
        ...{ retry_backoff_initial: 100, retry_backoff_max: 900, stream_idle_timeout_in_seconds: 20 },
      },
      concurrency_and_buffer_size: { concurrency: 4, buffer_size: 8 },
      custom_provider_config: { ...FULL.custom_provider_config, is_key_less: false },
      ...{ send_back_raw_request: false, send_back_raw_response: true, store_raw_request_response: false },
      keys: [
        { name: 'first', provider: 'house-llm', value: { value: mask(VALUE) }, weight: 0.5, enabled: true },
        {
          ...{ name: 'second', models: ['*'], weight: 1, enabled: false, status: `env.${VARIABLE} is not set` },
          value: { env_var: `env.${VARIABLE}`, from_env: true },
        },
      ],
    });
    expect(await read('house-llm')).toEqual(provider);
    expect((await scene.ask('GET', PROVIDERS)).body).toEqual({ providers: [provider], total: 1 });
    expect(scene.published).toEqual(['providers house-llm']);
    const everything = JSON.stringify([provider, await scene.audit.listAfter(0, 10)]);
    expect(everything).not.toContain('canary');
    expect(everything).not.toContain('proxy in between');
  });

  test('has defaults for all that is not sent', async () => {
    expect(await add({ provider: 'openai' })).toMatchObject({
      network_config: {
        ...{ default_request_timeout_in_seconds: 30, max_retries: 0, retry_backoff_initial: 500 },
        ...{ retry_backoff_max: 5000, stream_idle_timeout_in_seconds: 60, extra_headers: {} },
      },
      ...{ provider_status: 'error', status: 'it has no enabled key', keys: [] },
    });
  });

  test('is replaced by PUT, with its keys as they were and its secrets where a mask stands for them', async () => {
    const { keys } = await add();
    const { custom_provider_config } = FULL;
    const extra_headers = { 'x-tenant': mask(HEADER), 'X-New': 'new' };
    const sent = { custom_provider_config, network_config: { extra_headers } };
    const answer = await scene.ask('PUT', `${PROVIDERS}/house-llm`, sent);
    expect(answer).toMatchObject({
      status: 200,
      body: { description: '', network_config: { max_retries: 0 }, send_back_raw_response: false },
    });
    const after = await read('house-llm');
    expect(after.network_config).not.toHaveProperty('base_url');
    expect(after.keys).toEqual(keys);
    const stored = await scene.stores.providers.find('house-llm');
    const headers = Object.entries(stored?.network.extra_headers ?? {});
    expect(headers.map(([name, value]) => [name, value.resolve()])).toEqual([
      ['x-tenant', HEADER],
      ['X-New', 'new'],
    ]);
  });

  test('says so when keys are sent where they are not changed', async () => {
    await add({ name: 'openai' });
    const { body } = await scene.ask('PUT', `${PROVIDERS}/openai`, { keys: [{ name: 'x', value: 'y' }] });
    expect(body['warnings']).toEqual(['keys were not changed: send them to /api/providers/openai/keys']);
    expect(body['keys']).toEqual([]);
  });

  test('is gone after its removal, with its keys', async () => {
    const provider = await add();
    expect((await scene.ask('DELETE', `${PROVIDERS}/house-llm`)).body).toEqual(provider);
    expect((await scene.ask('GET', '/api/keys')).body).toEqual({ keys: [], total: 0 });
    for (const [method, body] of [['GET'], ['PUT', {}], ['DELETE']] as const)
      expect((await scene.ask(method, `${PROVIDERS}/house-llm`, body)).status).toBe(404);
    expect((await scene.ask('POST', `${PROVIDERS}/house-llm/keys`, { name: 'a', value: 'b' })).status).toBe(404);
  });

  test('is refused, and nothing of it stored, when its name is taken or a key is wrong', async () => {
    await add();
    expect(await refusal('POST', PROVIDERS, FULL)).toEqual([409, 'name']);
    const keys = [
      { name: 'third', value: 'v' },
      { name: 'fourth', value: mask(VALUE) },
    ];
    expect(await refusal('POST', PROVIDERS, { name: 'openai', keys })).toEqual([400, 'keys[1].value']);
    const taken = [{ name: 'first', value: 'v' }];
    expect(await refusal('POST', PROVIDERS, { name: 'openai', keys: taken })).toEqual([409, 'name']);
    expect((await scene.ask('GET', '/api/keys')).body).toMatchObject({ total: 2 });
    expect((await scene.ask('GET', PROVIDERS)).body).toMatchObject({ total: 1 });
  });

  test.for<[string, object]>([
    ['name', {}],
    ['name', { name: 'a/b' }],
    ['name', { name: 'OpenAI' }],
    ['provider', { name: 'openai', provider: 'anthropic' }],
    ['custom_provider_config', { name: 'mine' }],
    ['custom_provider_config', { name: 'openai', custom_provider_config: { base_provider_type: 'openai' } }],
    [
      'custom_provider_config.base_provider_type',
      { name: 'mine', custom_provider_config: { base_provider_type: 'mine' } },
    ],
    ['network_config.base_url', { name: 'openai', network_config: { base_url: 'llm.example' } }],
    ['network_config.base_url', { name: 'openai', network_config: { base_url: 'https://u:p@llm.example' } }],
    ['network_config.base_url', { name: 'openai', network_config: { base_url: 'https://llm.example?a=b' } }],
    ['network_config.base_url', { name: 'openai', network_config: { base_url: 'env.URL' } }],
    ['network_config.extra_headers.Host', { name: 'openai', network_config: { extra_headers: { Host: 'x' } } }],
    ['network_config.extra_headers.A', { name: 'openai', network_config: { extra_headers: { A: 'x\ny' } } }],
    ['network_config.extra_headers.A', { name: 'openai', network_config: { extra_headers: { A: '<redacted>' } } }],
    ['network_config.extra_headers.a', { name: 'openai', network_config: { extra_headers: { A: '1', a: '2' } } }],
    ['network_config.max_retries', { name: 'openai', network_config: { max_retries: -1 } }],
    ['network_config.ca_cert_pem', { name: 'openai', network_config: { ca_cert_pem: 'no certificate' } }],
    [
      'network_config.retry_backoff_max',
      { name: 'openai', network_config: { retry_backoff_initial: 9, retry_backoff_max: 8 } },
    ],
    [
      'concurrency_and_buffer_size.concurrency',
      { name: 'openai', concurrency_and_buffer_size: { concurrency: 0, buffer_size: 1 } },
    ],
  ])('is refused for its %s: %j', async ([field, body]) => {
    expect(await refusal('POST', PROVIDERS, body)).toEqual([400, field]);
    expect((await scene.ask('GET', PROVIDERS)).body).toEqual({ providers: [], total: 0 });
  });

  test('names what has no effect, at any depth', async () => {
    const answer = await scene.ask('POST', PROVIDERS, {
      ...{ name: 'openai', proxy_config: {}, network_config: { max_retry: 1 } },
      keys: [
        { name: 'a', value: 'b', colour: 'red', azure_key_config: { endpoint: 'https://a.example', versoin: '1' } },
      ],
    });
    expect(answer.body['warnings']).toEqual([
      'unknown field "proxy_config" was ignored',
      'unknown field "network_config.max_retry" was ignored',
      'unknown field "keys[0].colour" was ignored',
      'unknown field "keys[0].azure_key_config.versoin" was ignored',
    ]);
  });
});

describe('a key of a provider', () => {
  beforeEach(async () => {
    await add({ name: 'openai' });
    scene.published.length = 0;
  });

  test('is added, read, listed and removed, and every change is announced as one of its provider', async () => {
    const key = await addKey({ name: 'main', value: VALUE, description: 'billing' });
    const path = `${PROVIDERS}/openai/keys/${key.id}`;
    expect((await scene.ask('GET', path)).body).toEqual(key);
    expect((await scene.ask('GET', `${PROVIDERS}/openai/keys`)).body).toEqual({ keys: [key], total: 1 });
    expect((await scene.ask('GET', '/api/keys')).body).toEqual({
      keys: [{ id: key.id, key_id: key.id, name: 'main', provider: 'openai', models: ['*'], enabled: true }],
      total: 1,
    });
    expect((await read('openai')).provider_status).toBe('active');
    expect((await scene.ask('DELETE', path)).body).toEqual(key);
    for (const [method, body] of [['GET'], ['PUT', {}], ['DELETE']] as const)
      expect((await scene.ask(method, path, body)).status).toBe(404);
    expect(scene.published).toEqual(['providers openai', 'providers openai']);
  });

  test('is not found at another provider', async () => {
    await add({ name: 'anthropic' });
    const key = await addKey({ name: 'main', value: VALUE });
    expect(await refusal('DELETE', `${PROVIDERS}/anthropic/keys/${key.id}`)).toEqual([404, undefined]);
    expect((await read('openai')).keys).toHaveLength(1);
  });

  test.for([mask(VALUE), mask('of another replica, or of before'), '<redacted>', '[REDACTED]', '********'])(
    'keeps its value when the mask %s comes back, and the mask is never stored',
    async (sent) => {
      const key = await addKey({ name: 'main', value: VALUE });
      for (const value of [sent, { ...key.value, value: sent }]) {
        await scene.ask('PUT', `${PROVIDERS}/openai/keys/${key.id}`, { value, weight: 3 });
        const stored = await scene.stores.providerKeys.find(key.id);
        expect([stored?.value.resolve(), stored?.weight]).toEqual([VALUE, 3]);
      }
    },
  );

  test('takes a reference, which is read when it is used', async () => {
    const key = await addKey({ name: 'main', value: VALUE });
    const value = { value: '', env_var: `env.${VARIABLE}`, from_env: true };
    const answer = await scene.ask('PUT', `${PROVIDERS}/openai/keys/${key.id}`, { value });
    expect(answer.body).toMatchObject({ value: { env_var: `env.${VARIABLE}`, from_env: true } });
    expect(await read('openai')).toMatchObject({ provider_status: 'error', status: `env.${VARIABLE} is not set` });
    process.env[VARIABLE] = 'set by now';
    expect(await read('openai')).toMatchObject({ provider_status: 'active', status: '' });
    expect((await scene.stores.providerKeys.find(key.id))?.value.resolve()).toBe('set by now');
  });

  test('keeps what an update does not name', async () => {
    const key = await addKey({ name: 'main', value: VALUE, models: ['a'], aliases: { b: 'c' }, weight: 2 });
    const answer = await scene.ask('PUT', `${PROVIDERS}/openai/keys/${key.id}`, { models: null, aliases: null });
    const updated_at = expect.any(String) as string;
    expect(answer.body).toEqual({ ...key, models: [], aliases: {}, updated_at });
  });

  test.for<[string, object]>([
    ['name', { value: 'v' }],
    ['value', { name: 'n' }],
    ['value', { name: 'n', value: '' }],
    ['value', { name: 'n', value: mask(VALUE) }],
    ['value', { name: 'n', value: 'two\nlines' }],
    ['weight', { name: 'n', value: 'v', weight: -1 }],
    ['models', { name: 'n', value: 'v', models: ['*', 'a'] }],
    ['models[1]', { name: 'n', value: 'v', models: ['a', 'regex:('] }],
    ['blacklisted_models[0]', { name: 'n', value: 'v', blacklisted_models: ['regex:['] }],
    ['azure_key_config.endpoint', { name: 'n', value: 'v', azure_key_config: { endpoint: 'here' } }],
    ['bedrock_key_config.secret_key', { name: 'n', value: 'v', bedrock_key_config: { access_key: 'a' } }],
    ['vertex_key_config.region', { name: 'n', value: 'v', vertex_key_config: { project_id: 'p', region: 'env.R' } }],
  ])('is refused for its %s: %j', async ([field, body]) => {
    expect(await refusal('POST', `${PROVIDERS}/openai/keys`, body)).toEqual([400, field]);
    expect((await read('openai')).keys).toEqual([]);
  });

  test('may not take the name of another, whatever the provider, nor empty its value', async () => {
    await add({ name: 'anthropic' });
    await addKey({ name: 'main', value: VALUE });
    const other = await addKey({ name: 'other', value: VALUE }, 'anthropic');
    const path = `${PROVIDERS}/anthropic/keys`;
    expect(await refusal('POST', path, { name: 'main', value: 'v' })).toEqual([409, 'name']);
    expect(await refusal('PUT', `${path}/${other.id}`, { name: 'main' })).toEqual([409, 'name']);
    expect(await refusal('PUT', `${path}/${other.id}`, { value: '' })).toEqual([400, 'value']);
    expect(await refusal('PUT', `${path}/${other.id}`, { id: 'else' })).toEqual([400, 'id']);
    expect((await read('anthropic')).keys).toEqual([other]);
  });

  test('needs no value where the provider needs no key', async () => {
    await add({ name: 'ollama' });
    await add({ name: 'mine', custom_provider_config: { base_provider_type: 'openai', is_key_less: true } });
    for (const provider of ['ollama', 'mine']) expect((await addKey({ name: provider }, provider)).status).toBe('');
  });

  test('carries the settings of its cloud, secrets masked and kept', async () => {
    await add({ name: 'bedrock' });
    const bedrock_key_config = {
      ...{ access_key: 'AKIA-canary-access', secret_key: 'the-canary-secret-key', region: 'eu-central-1' },
    };
    const vertex_key_config = { project_id: 'p', region: 'r', auth_credentials: '{"canary":true}' };
    const azure_key_config = { endpoint: 'https://canary.example', api_version: '2024-10-21' };
    const key = await addKey({ name: 'b', bedrock_key_config, vertex_key_config, azure_key_config }, 'bedrock');
    expect(JSON.stringify(key)).not.toContain('canary');
    expect(key).toMatchObject({
      bedrock_key_config: { region: 'eu-central-1', access_key: { value: mask('AKIA-canary-access') } },
      azure_key_config: { api_version: '2024-10-21' },
      vertex_key_config: { project_id: 'p', region: 'r' },
    });
    await scene.ask('PUT', `${PROVIDERS}/bedrock/keys/${key.id}`, { ...key, vertex_key_config: null });
    const stored = await scene.stores.providerKeys.find(key.id);
    expect(stored?.bedrock?.secret_key.resolve()).toBe('the-canary-secret-key');
    expect(stored?.azure?.endpoint.resolve()).toBe('https://canary.example');
    expect(stored?.vertex).toBeUndefined();
  });
});

describe('the keys of a provider that a virtual key may use', () => {
  let main: ProviderKeyView;
  let spare: ProviderKeyView;
  beforeEach(async () => {
    await add({ name: 'openai' });
    await add({ name: 'anthropic', keys: [{ name: 'elsewhere', value: 'v' }] });
    main = await addKey({ name: 'main', value: 'v' });
    spare = await addKey({ name: 'spare', value: 'v' });
  });

  const grant = async (key_ids: string[], rest: object = {}) => {
    const provider_configs = [{ provider: 'openai', allowed_models: ['*'], key_ids, ...rest }];
    const key = VirtualKeyView.parse(await scene.write('POST', '/virtual-keys', { name: 'vk', provider_configs }));
    return { id: key.id, config: key.provider_configs[0] };
  };
  const named = (...keys: ProviderKeyView[]) => keys.map(({ id, name }) => ({ id, name }));

  test('are named by id or by name, and shown as both', async () => {
    expect((await grant(['main', spare.id])).config).toMatchObject({
      key_ids: [main.id, spare.id],
      keys: named(main, spare),
    });
  });

  test('are all of them where "*" or allow_all_keys says so', async () => {
    expect((await grant(['*'])).config).toMatchObject({ key_ids: ['*'], keys: named(main, spare) });
    const answer = await scene.write('POST', '/virtual-keys', {
      name: 'second',
      provider_configs: [{ provider: 'openai', allow_all_keys: true }],
    });
    expect(answer).toMatchObject({ provider_configs: [{ key_ids: [], keys: named(main, spare) }] });
  });

  test('must be there, and be of that provider', async () => {
    for (const key_ids of [['nothing'], [main.id, 'elsewhere']]) {
      const body = { name: 'vk', provider_configs: [{ provider: 'openai', key_ids }] };
      expect(await refusal('POST', '/api/governance/virtual-keys', body)).toEqual([
        400,
        `provider_configs[0].key_ids[${key_ids.length - 1}]`,
      ]);
    }
    const models = { name: 'vk', provider_configs: [{ provider: 'openai', blacklisted_models: ['regex:('] }] };
    const field = 'provider_configs[0].blacklisted_models[0]';
    expect(await refusal('POST', '/api/governance/virtual-keys', models)).toEqual([400, field]);
  });

  test('may go, and what is read of the virtual key can still be sent back', async () => {
    const { id } = await grant(['main', 'spare']);
    await scene.ask('DELETE', `${PROVIDERS}/openai/keys/${main.id}`);
    const { virtual_key } = (await scene.send('GET', `/virtual-keys/${id}`)).body;
    expect(virtual_key).toMatchObject({ provider_configs: [{ key_ids: [main.id, spare.id], keys: named(spare) }] });
    const sent = await scene.send('PUT', `/virtual-keys/${id}`, virtual_key);
    expect(sent).toMatchObject({ status: 200, body: { virtual_key: { provider_configs: [{ keys: named(spare) }] } } });
  });

  test('are not shown to whoever holds the virtual key', async () => {
    const { id } = await grant(['*']);
    const [key] = await scene.stores.keys.list();
    expect(key?.id).toBe(id);
    const { body } = await scene.quota(key?.value.resolve() ?? '');
    expect(body).toMatchObject({ provider_configs: [{ keys: [] }] });
  });
});
