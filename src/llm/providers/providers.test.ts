import { describe, expect, test } from 'vitest';
import { createProviderKey } from '../../../test/kit/provider-key.ts';
import { Secret } from '../../lib/secret.ts';
import type { ProviderKey } from '../../store/providers.ts';
import type { ProviderCall, ProviderRequest } from './provider.ts';
import { createProviders } from './providers.ts';

const fetchNothing = async (): Promise<never> => {
  throw new Error('no token is needed here');
};
const providers = createProviders({
  fetch: fetchNothing,
  machineFetch: fetchNothing,
  env: { HOME: '/nowhere', AWS_EC2_METADATA_DISABLED: 'true' },
});

type Call = Omit<Partial<ProviderCall>, 'key'> & { key?: Partial<ProviderKey> };

async function addressOf(type: string, { key, ...call }: Call = {}): Promise<ProviderRequest> {
  const provider = providers.find(type);
  if (provider === undefined) throw new Error(`there is no ${type}`);
  return provider.address({
    format: 'chat',
    model: 'some-model',
    isStream: false,
    body: Buffer.from('{}'),
    baseUrl: undefined,
    ...call,
    key: createProviderKey({ provider: type, value: Secret.literal('sk-1'), ...key }),
  });
}

const urlOf = async (type: string, call?: Call): Promise<string> => (await addressOf(type, call)).url.href;

test('every kind of provider either takes chat completions or translates them', () => {
  expect(providers.types).toContain('openai');
  for (const type of providers.types) {
    const provider = providers.find(type);
    expect(provider?.formats.includes('chat') === true || provider?.codec !== undefined, type).toBe(true);
  }
  expect(providers.find('nobody')).toBeUndefined();
});

describe('who speaks the wire of OpenAI', () => {
  test.each([
    ['openai', 'https://api.openai.com/v1/chat/completions'],
    ['groq', 'https://api.groq.com/openai/v1/chat/completions'],
    ['openrouter', 'https://openrouter.ai/api/v1/chat/completions'],
    ['fireworks', 'https://api.fireworks.ai/inference/v1/chat/completions'],
    ['perplexity', 'https://api.perplexity.ai/chat/completions'],
    ['cohere', 'https://api.cohere.ai/compatibility/v1/chat/completions'],
  ])('%s is asked at %s', async (type, url) => {
    expect(await addressOf(type)).toEqual({
      url: new URL(url),
      headers: { authorization: 'Bearer sk-1', 'content-type': 'application/json' },
    });
  });

  test('each format has its path, and one that is not spoken is refused', async () => {
    expect(await urlOf('openai', { format: 'responses' })).toBe('https://api.openai.com/v1/responses');
    expect(await urlOf('mistral', { format: 'embeddings' })).toBe('https://api.mistral.ai/v1/embeddings');
    await expect(addressOf('openai', { format: 'messages' })).rejects.toThrow('openai does not speak messages');
  });

  test.each([
    ['http://localhost:8000', 'http://localhost:8000/v1/chat/completions'],
    ['http://localhost:8000/v1', 'http://localhost:8000/v1/chat/completions'],
    ['https://example.com/gateway/v1', 'https://example.com/gateway/v1/chat/completions'],
  ])('a base address with or without the version fits: %s', async (baseUrl, url) => {
    expect(await urlOf('vllm', { baseUrl })).toBe(url);
  });

  test('a path of its own replaces the usual one, a whole address everything', async () => {
    const baseUrl = 'https://example.com/v1';
    expect(await urlOf('openai', { baseUrl, path: '/chat' })).toBe('https://example.com/v1/chat');
    expect(await urlOf('openai', { baseUrl, path: '/v2/chat' })).toBe('https://example.com/v2/chat');
    expect(await urlOf('openai', { baseUrl, path: 'https://other.com/c' })).toBe('https://other.com/c');
  });

  test('a server of one’s own needs an address, but no key', async () => {
    await expect(addressOf('ollama')).rejects.toThrow('network_config.base_url: is missing');
    const { headers } = await addressOf('ollama', { baseUrl: 'http://localhost:11434', key: { value: Secret.empty } });
    expect(headers).toEqual({ 'content-type': 'application/json' });
  });

  test('a reference that leads to nothing is named, not sent', async () => {
    const value = Secret.parse('env.ASBRU_TEST_NO_SUCH_KEY');
    await expect(addressOf('openai', { key: { value } })).rejects.toThrow(
      'value of the key "first" of openai: env.ASBRU_TEST_NO_SUCH_KEY is not set',
    );
  });

  test('the list of models stands beside', async () => {
    const request = await providers.find('groq')?.modelsAddress?.(createProviderKey(), undefined);
    expect(request).toEqual({ url: new URL('https://api.groq.com/openai/v1/models'), headers: {} });
    expect(providers.find('perplexity')?.modelsAddress).toBeUndefined();
  });
});

describe('azure', () => {
  const azure = (endpoint: string, api_version: string): Partial<ProviderKey> => ({
    azure: { endpoint: Secret.literal(endpoint), api_version },
  });

  test.each([
    ['chat', '/openai/deployments/gpt%204/chat/completions?api-version=2024-10-21'],
    ['embeddings', '/openai/deployments/gpt%204/embeddings?api-version=2024-10-21'],
    ['responses', '/openai/responses?api-version=2024-10-21'],
  ] as const)('with a dated version, %s goes to the deployment', async (format, path) => {
    const key = azure('https://my.openai.azure.com/', '2024-10-21');
    const request = await addressOf('azure', { key, format, model: 'gpt 4' });
    expect(request.url.href).toBe(`https://my.openai.azure.com${path}`);
    expect(request.headers).toEqual({ 'api-key': 'sk-1', 'content-type': 'application/json' });
  });

  test.each([
    ['https://my.openai.azure.com', '', '/openai/v1/responses'],
    ['https://my.openai.azure.com/openai/v1/', 'v1', '/openai/v1/responses'],
    ['https://my.openai.azure.com/openai', 'preview', '/openai/v1/responses?api-version=preview'],
  ])('without a dated version the address is that of OpenAI: %s %s', async (endpoint, version, path) => {
    const key = azure(endpoint, version);
    expect(await urlOf('azure', { key, format: 'responses' })).toBe(`https://my.openai.azure.com${path}`);
  });

  test('an endpoint that is no address is refused without being shown', async () => {
    const request = addressOf('azure', { key: azure('my.openai.azure.com', '') });
    await expect(request).rejects.toMatchObject({ code: 'invalid_request' });
    await expect(request).rejects.not.toThrow('my.openai');
  });

  test('without an endpoint there is nowhere to go, unless the provider has a base address', async () => {
    await expect(addressOf('azure')).rejects.toThrow(
      'azure_key_config.endpoint of the key "first" of azure: is missing',
    );
    const baseUrl = 'https://proxy.example.com';
    expect(await urlOf('azure', { baseUrl })).toBe('https://proxy.example.com/openai/v1/chat/completions');
  });
});

test('a model that a caller names cannot lead to another address of the provider', async () => {
  for (const model of ['', '.', '..'])
    for (const type of ['gemini', 'bedrock', 'vertex', 'azure']) {
      const azure = { endpoint: Secret.literal('https://a.example.com'), api_version: '2024-10-21' };
      const bedrock = { access_key: Secret.empty, secret_key: Secret.empty, session_token: Secret.empty, region: 'r' };
      const request = addressOf(type, { model, format: type === 'azure' ? 'chat' : 'codec', key: { azure, bedrock } });
      await expect(request, type).rejects.toThrow(`model: "${model}" is no name of a model`);
    }
  const dodge = await addressOf('vertex', { model: 'publishers/google/models/x:predict?', format: 'codec' });
  expect(dodge.url.pathname).toBe('/v1/publishers/google/models/x%3Apredict%3F:generateContent');
  await expect(addressOf('vertex', { model: 'publishers/../..', format: 'codec' })).rejects.toThrow('model:');
});

describe('gemini', () => {
  const models = 'https://generativelanguage.googleapis.com/v1beta';

  test.each([
    [{ model: 'gemini-2.5-pro' }, `${models}/models/gemini-2.5-pro:generateContent`],
    [{ model: 'gemini-2.5-pro', isStream: true }, `${models}/models/gemini-2.5-pro:streamGenerateContent?alt=sse`],
    [{ model: 'tunedModels/mine' }, `${models}/tunedModels/mine:generateContent`],
    [{ model: '../files?x=', isStream: false }, `${models}/models/..%2Ffiles%3Fx%3D:generateContent`],
    [{ baseUrl: 'https://p.example.com/v1beta' }, 'https://p.example.com/v1beta/models/some-model:generateContent'],
  ])('%j is asked at %s', async (call, url) => {
    const request = await addressOf('gemini', { format: 'codec', ...call });
    expect(request.url.href).toBe(url);
    expect(request.headers).toEqual({ 'x-goog-api-key': 'sk-1', 'content-type': 'application/json' });
  });

  test('embeddings pass through, since Google takes them in the format of OpenAI', async () => {
    const request = await addressOf('gemini', { format: 'embeddings' });
    expect(request.url.href).toBe(`${models}/openai/embeddings`);
    expect(request.headers.authorization).toBe('Bearer sk-1');
  });
});

describe('bedrock', () => {
  const bedrock = (given: Partial<Record<'access_key' | 'secret_key' | 'session_token' | 'region', string>>) => ({
    value: Secret.empty,
    bedrock: {
      access_key: Secret.literal(given.access_key ?? ''),
      secret_key: Secret.literal(given.secret_key ?? ''),
      session_token: Secret.literal(given.session_token ?? ''),
      region: given.region ?? 'eu-north-1',
    },
  });
  const model = 'anthropic.claude-3-haiku-20240307-v1:0';

  test('access keys sign the request', async () => {
    const key = bedrock({ access_key: 'AKIDEXAMPLE', secret_key: 'secret', session_token: 'session' });
    const { url, headers } = await addressOf('bedrock', { format: 'codec', model, key, isStream: true });
    expect(url.href).toBe(
      'https://bedrock-runtime.eu-north-1.amazonaws.com/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse-stream',
    );
    expect(headers.authorization).toMatch(
      /^AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE\/\d{8}\/eu-north-1\/bedrock\/aws4_request, SignedHeaders=accept;host;x-amz-date;x-amz-security-token, Signature=[0-9a-f]{64}$/,
    );
    expect(headers).toMatchObject({
      accept: 'application/vnd.amazon.eventstream',
      'content-type': 'application/json',
      'x-amz-security-token': 'session',
    });
  });

  test('a value is an API key of Bedrock', async () => {
    const key = { ...bedrock({}), value: Secret.literal('ABSK1') };
    const { url, headers } = await addressOf('bedrock', { format: 'codec', model: 'arn:aws:bedrock:x/y', key });
    expect(url.pathname).toBe('/model/arn%3Aaws%3Abedrock%3Ax%2Fy/converse');
    expect(headers).toEqual({
      accept: 'application/json',
      'content-type': 'application/json',
      authorization: 'Bearer ABSK1',
    });
  });

  test('a key without credentials signs with those of the machine, in its region', async () => {
    const env = { AWS_ACCESS_KEY_ID: 'AKIAMACHINE', AWS_SECRET_ACCESS_KEY: 's', AWS_DEFAULT_REGION: 'eu-west-3' };
    const there = createProviders({ fetch: fetchNothing, machineFetch: fetchNothing, env }).find('bedrock');
    const call = { format: 'codec', isStream: false, body: Buffer.from('{}'), baseUrl: undefined } as const;
    const ask = async (key: Partial<ProviderKey>) =>
      there?.address({ ...call, model, key: createProviderKey({ provider: 'bedrock', ...key }) });
    const bare = await ask({});
    expect(bare?.url.host).toBe('bedrock-runtime.eu-west-3.amazonaws.com');
    expect(bare?.headers.authorization).toMatch(/Credential=AKIAMACHINE\/\d{8}\/eu-west-3\/bedrock\//);
    expect((await ask(bedrock({ region: 'us-west-2' })))?.headers.authorization).toContain('/us-west-2/bedrock/');
    expect((await ask({ value: Secret.literal('ABSK1') }))?.headers.authorization).toBe('Bearer ABSK1');
    expect((await ask(bedrock({ access_key: 'AKIAOWN', secret_key: 's' })))?.headers.authorization).toContain(
      'AKIAOWN',
    );
    const dangling = {
      value: Secret.empty,
      bedrock: { ...bedrock({}).bedrock, access_key: Secret.parse('env.NO_SUCH') },
    };
    await expect(ask(dangling)).rejects.toThrow('env.NO_SUCH is not set');
  });

  test('without any credentials the key is named, and what was tried', async () => {
    const request = addressOf('bedrock', { format: 'codec', key: bedrock({}) });
    await expect(request).rejects.toThrow(
      /bedrock_key_config\.access_key of the key "first" of bedrock: is missing.*AWS_ACCESS_KEY_ID is not set.*AWS_EC2_METADATA_DISABLED is set/,
    );
  });

  test.each([
    [bedrock({ region: '' }), 'bedrock_key_config.region'],
    [bedrock({ access_key: 'a', secret_key: 's', region: 'x.evil.com/' }), 'bedrock_key_config.region'],
    [bedrock({}), 'bedrock_key_config.access_key'],
    [bedrock({ access_key: 'a' }), 'bedrock_key_config.secret_key'],
  ])('what lacks is named', async (key, field) => {
    const request = addressOf('bedrock', { format: 'codec', key });
    await expect(request).rejects.toMatchObject({ code: 'invalid_request', details: { field } });
  });
});
