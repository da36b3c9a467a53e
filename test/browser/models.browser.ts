import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ProviderView } from '../../src/contract/provider.ts';
import { setUp } from '../kit/browser-session.ts';
import { startGateway, type TestGateway } from '../kit/gateway.ts';
import { startModelServer, type ModelServer } from '../kit/model-server.ts';
import { addProvider } from '../kit/models.ts';
import { findBarriers, openChromium, openPage } from './chromium.ts';
import { signIn } from './screens.ts';

let browser: Browser;
let gateway: TestGateway;
let models: ModelServer;

beforeAll(async () => {
  [browser, gateway, models] = await Promise.all([openChromium(), startGateway(), startModelServer()]);
  await setUp(gateway);
  models.script({ raw: { status: 200, body: '{"data":[{"id":"gpt-5"},{"id":"gpt-5-mini"},{"id":"o4"}]}' } });
  await addProvider(gateway, 'openai', models.openaiUrl);
});

afterAll(async () => {
  await browser?.close();
  await gateway?.close();
  await models?.[Symbol.asyncDispose]();
});

test('models are picked from what the provider lists: for a virtual key, for a key of the provider, for a price', async () => {
  const created = await gateway.api('POST', '/api/governance/virtual-keys', {
    name: 'k',
    provider_configs: [{ provider: 'openai', allowed_models: ['*'], allow_all_keys: true }],
  });
  const { id } = created.body['virtual_key'] as { id: string };
  const { page, faults } = await openPage(browser, gateway.address);
  await signIn(page);
  await page.goto(`/workspace/virtual-keys/${id}?tab=models`);
  expect(await page.getByRole('switch', { name: 'All keys of openai' }).isChecked()).toBe(true);
  await page.getByLabel('Add a model').fill('mini');
  await page.getByRole('option', { name: 'gpt-5-mini' }).click();
  await page.getByLabel('Add a model').fill('o4');
  await page.getByRole('option', { name: 'o4' }).click();
  expect(await page.getByLabel('Allowed models').inputValue()).toBe('gpt-5-mini\no4');
  expect(await findBarriers(page)).toEqual([]);
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('button', { name: 'Save' }).waitFor({ state: 'detached' });
  expect((await gateway.api('GET', `/api/governance/virtual-keys/${id}`)).body).toMatchObject({
    virtual_key: { provider_configs: [{ allowed_models: ['gpt-5-mini', 'o4'], key_ids: ['*'] }] },
  });

  await page.goto('/workspace/providers/openai');
  await page.getByRole('row', { name: /openai-1/ }).click();
  const drawer = page.getByRole('dialog', { name: 'openai-1' });
  await drawer.getByLabel('Add a model').fill('gpt-5');
  await page.getByRole('option', { name: 'gpt-5', exact: true }).click();
  await drawer.getByRole('button', { name: 'Save' }).click();
  await drawer.waitFor({ state: 'detached' });
  const provider = (await gateway.api('GET', '/api/providers/openai')).body as ProviderView;
  expect(provider.keys).toMatchObject([{ models: ['gpt-5'] }]);

  await page.goto('/workspace/pricing-overrides');
  await page.getByRole('button', { name: 'Add a price' }).click();
  await page.locator('datalist option[value="gpt-5"]').waitFor({ state: 'attached' });
  await page.getByLabel('Model', { exact: true }).fill('unlisted');
  expect(await findBarriers(page)).toEqual([]);
  expect(faults).toEqual([]);
  await page.context().close();
});
