import { expect, test } from 'vitest';
import { startGateway } from '../kit/gateway.ts';

const PATH = '/api/governance/pricing-overrides';
const LLAMA = { name: 'Our llama', pattern: 'llama*', match_type: 'wildcard', patch: { input: 0.2, output: 0.4 } };

interface View {
  readonly id: string;
  readonly patch: object;
}
const idOf = (body: Record<string, unknown>) => (body['pricing_override'] as View).id;

test('a price is written, read, changed in part and removed', async () => {
  await using gateway = await startGateway();
  const created = await gateway.api('POST', PATH, LLAMA);
  const id = idOf(created.body);
  const view = { id, ...LLAMA, scope_kind: 'global' };
  expect(created).toMatchObject({ status: 200, body: { pricing_override: view } });
  expect((await gateway.api('GET', PATH)).body).toMatchObject({ pricing_overrides: [view], count: 1 });

  const read = (await gateway.api('GET', `${PATH}/${id}`)).body['pricing_override'] as object;
  const patch = { input: 0, output: 0.4, cache_read: 0 };
  const put = await gateway.api('PUT', `${PATH}/${id}`, {
    ...read,
    scope_kind: 'provider',
    provider_id: 'vLLM',
    patch,
  });
  expect(put.body).toMatchObject({ pricing_override: { ...view, scope_kind: 'provider', provider_id: 'vllm', patch } });
  const back = await gateway.api('PUT', `${PATH}/${id}`, { scope_kind: 'global' });
  expect(back.body['pricing_override']).not.toHaveProperty('provider_id');
  expect(back.body).toMatchObject({ pricing_override: { patch } });

  expect((await gateway.api('DELETE', `${PATH}/${id}`)).status).toBe(200);
  for (const method of ['GET', 'PUT', 'DELETE'] as const) {
    expect((await gateway.api(method, `${PATH}/${id}`, method === 'PUT' ? {} : undefined)).status).toBe(404);
  }
});

test.each([
  [{ ...LLAMA, name: '' }, 'name'],
  [{ ...LLAMA, patch: { input: 1 } }, 'patch.output'],
  [{ ...LLAMA, patch: { input: -1, output: 1 } }, 'patch.input'],
  [{ ...LLAMA, patch: { input: 1, output: 1, cached: 1 } }, 'cached'],
  [{ ...LLAMA, scope_kind: 'provider' }, 'provider_id'],
  [{ ...LLAMA, provider_id: 'openai' }, 'provider_id'],
  [{ ...LLAMA, match_type: 'exact' }, 'pattern'],
  [{ ...LLAMA, request_types: ['chat'] }, 'request_types'],
])('a price that makes no sense is refused by the name of its field: %o', async (body, field) => {
  await using gateway = await startGateway();
  const refused = await gateway.api('POST', PATH, body);
  expect(refused).toMatchObject({
    ...{ status: 400, body: { error: { message: expect.stringContaining(field) as string } } },
  });
  expect((await gateway.api('GET', PATH)).body).toMatchObject({ pricing_overrides: [], count: 0 });
});

test('two prices for the same thing, or by the same name, are refused', async () => {
  await using gateway = await startGateway();
  await gateway.api('POST', PATH, LLAMA);
  expect((await gateway.api('POST', PATH, { ...LLAMA, pattern: 'other*' })).status).toBe(409);
  const same = await gateway.api('POST', PATH, { ...LLAMA, name: 'another' });
  expect(same).toMatchObject({
    status: 409,
    body: { error: { message: expect.stringContaining('pattern') as string } },
  });
});
