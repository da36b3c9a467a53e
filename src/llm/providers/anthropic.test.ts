import { afterEach, expect, test } from 'vitest';
import { Secret } from '../../lib/secret.ts';
import type { ProviderKey } from '../../store/providers.ts';
import { anthropicProvider } from './anthropic.ts';
import type { ProviderCall } from './provider.ts';

const key: ProviderKey = {
  id: 'k1',
  name: 'main',
  provider: 'anthropic',
  value: Secret.literal('sk-ant-1'),
  models: ['*'],
  blacklisted_models: [],
  weight: 1,
  enabled: true,
  aliases: {},
  description: '',
  azure: undefined,
  bedrock: undefined,
  vertex: undefined,
  created_at: 0,
  updated_at: 0,
};
const call: ProviderCall = {
  format: 'messages',
  model: 'claude-sonnet-5',
  isStream: false,
  body: Buffer.from('{}'),
  key,
  baseUrl: undefined,
};

afterEach(() => {
  delete process.env.ASBRU_TEST_ANTHROPIC_KEY;
});

test('a request goes to the Messages API with the key and the version', async () => {
  const { url, headers } = await anthropicProvider.address(call);
  expect(url.href).toBe('https://api.anthropic.com/v1/messages');
  expect(headers).toEqual({
    'anthropic-version': '2023-06-01',
    'content-type': 'application/json',
    'x-api-key': 'sk-ant-1',
  });
});

test('a base address may end with the version or not', async () => {
  for (const baseUrl of ['https://llm.example.com/anthropic', 'https://llm.example.com/anthropic/v1']) {
    const { url } = await anthropicProvider.address({ ...call, baseUrl });
    expect(url.href).toBe('https://llm.example.com/anthropic/v1/messages');
  }
});

test('another path takes the place of the usual one, below the address as it was given', async () => {
  const other = { ...call, path: '/ask', baseUrl: 'https://llm.example.com/v1' };
  expect((await anthropicProvider.address(other)).url.href).toBe('https://llm.example.com/v1/ask');
});

test('the list of models has an address, too', async () => {
  const models = await anthropicProvider.modelsAddress?.(key, undefined);
  expect(models?.url.href).toBe('https://api.anthropic.com/v1/models?limit=1000');
  expect(models?.headers['x-api-key']).toBe('sk-ant-1');
});

test('a server that wants no key gets none', async () => {
  const { headers } = await anthropicProvider.address({ ...call, key: { ...key, value: Secret.empty } });
  expect(headers).not.toHaveProperty('x-api-key');
});

test('a key that leads to nothing is refused by its name, not sent empty', () => {
  const dangling = { ...key, value: Secret.parse('env.ASBRU_TEST_ANTHROPIC_KEY') };
  expect(() => anthropicProvider.address({ ...call, key: dangling })).toThrow(
    'value of the key "main": env.ASBRU_TEST_ANTHROPIC_KEY is not set',
  );
  process.env.ASBRU_TEST_ANTHROPIC_KEY = 'sk-ant-2';
  expect(anthropicProvider.address({ ...call, key: dangling })).toHaveProperty('headers.x-api-key', 'sk-ant-2');
});
