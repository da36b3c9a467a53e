import { expect, test } from 'vitest';
import type { ProviderView } from '../../src/contract/provider.ts';
import { randomApiKey, startGateway } from '../kit/gateway.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';

const config = {
  providers: { openai: { keys: [{ name: 'main', value: 'sk-canary-of-the-file', models: ['*'], weight: 1 }] } },
  governance: {
    virtual_keys: [
      { name: 'ci', provider_configs: [{ provider: 'openai', allowed_models: ['gpt-5'], key_ids: ['main'] }] },
      { name: 'lost', provider_configs: [{ provider: 'openai', key_ids: ['nothing'] }] },
    ],
  },
};

test('providers of the file are there at the start, virtual keys name their keys, and a restart keeps both', async () => {
  await using folder = await temporaryFolder();
  const options = { config, appDir: folder.path, apiKey: randomApiKey() };
  let before: ProviderView;
  {
    await using gateway = await startGateway(options);
    const { status, body } = await gateway.api('GET', '/api/providers');
    expect(status).toBe(200);
    expect(body).toMatchObject({ total: 1, providers: [{ name: 'openai', keys: [{ name: 'main' }] }] });
    expect(JSON.stringify(body)).not.toContain('canary');
    const [key] = (body['providers'] as ProviderView[])[0]?.keys ?? [];
    const { body: list } = await gateway.api('GET', '/api/governance/virtual-keys');
    expect(list['virtual_keys']).toMatchObject([
      { name: 'ci', provider_configs: [{ key_ids: [key?.id], keys: [{ id: key?.id, name: 'main' }] }] },
    ]);
    const path = `/api/providers/openai/keys/${key?.id}`;
    expect((await gateway.api('PUT', path, { ...key, weight: 5 })).status).toBe(200);
    expect((await gateway.api('POST', '/api/providers', { name: 'openai' })).status).toBe(409);
    before = (await gateway.api('GET', '/api/providers/openai')).body as ProviderView;
    expect(before.keys[0]?.weight).toBe(5);
  }
  await using gateway = await startGateway(options);
  expect((await gateway.api('GET', '/api/providers/openai')).body).toEqual(before);
});

test('whoever may only read sees masks and changes nothing, and nobody sees anything without a key', async () => {
  await using gateway = await startGateway({ config });
  const { body } = await gateway.api('POST', '/api/api-keys', { name: 'reader', scopes: ['read'] });
  const authorization = `Bearer ${String((body['api_key'] as { key?: string }).key ?? body['key'])}`;
  const ask = (method: string, path: string, sent?: object) => gateway.api(method, path, sent, { authorization });
  expect((await ask('GET', '/api/providers')).status).toBe(200);
  expect((await ask('GET', '/api/keys')).status).toBe(200);
  expect((await ask('PUT', '/api/providers/openai', {})).status).toBe(403);
  expect((await ask('POST', '/api/providers/openai/keys', { name: 'a', value: 'b' })).status).toBe(403);
  expect((await ask('DELETE', '/api/providers/openai')).status).toBe(403);
  for (const path of ['/api/providers', '/api/providers/openai', '/api/providers/openai/keys', '/api/keys'])
    expect((await gateway.api('GET', path, undefined, { authorization: '' })).status).toBe(401);
});
