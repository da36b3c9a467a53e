import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setUp } from '../kit/browser-session.ts';
import { httpClient, startGateway, type TestGateway } from '../kit/gateway.ts';
import { createKey, type TestKey } from '../kit/keys.ts';
import { startUpstream, type Upstream } from '../kit/upstream.ts';
import { openChromium, openPage } from './chromium.ts';
import { signIn } from './screens.ts';

let browser: Browser;
let gateway: TestGateway;
let upstream: Upstream;
let key: TestKey;

beforeAll(async () => {
  [browser, gateway, upstream] = await Promise.all([openChromium(), startGateway(), startUpstream()]);
  await setUp(gateway);
  key = await createKey(gateway, 'ada');
});

afterAll(async () => {
  await browser?.close();
  await gateway?.close();
  await upstream?.stop();
});

test('the keys of a provider that a virtual key may use are picked by their names', async () => {
  const keys = ['first', 'second'].map((name) => ({ name, value: `sk-${name}`, models: ['*'] }));
  const network_config = { base_url: upstream.url };
  await gateway.api('POST', '/api/providers', { name: 'openai', keys, network_config });
  const { page, faults } = await openPage(browser, gateway.address);
  await signIn(page);
  await page.goto(`/workspace/virtual-keys/${key.id}?tab=models`);
  await page.getByLabel('Allow a provider').fill('openai');
  await page.getByRole('option', { name: 'openai' }).click();
  const entry = page.getByRole('group', { name: 'openai', exact: true });
  await entry.getByRole('switch', { name: 'All keys of openai' }).click();
  await entry.getByRole('checkbox', { name: 'first' }).uncheck();
  await page.getByRole('button', { name: 'Save' }).click();
  await page.getByRole('region', { name: 'Unsaved changes' }).waitFor({ state: 'detached' });

  const { body } = await gateway.api('GET', `/api/governance/virtual-keys/${key.id}`);
  const stored = await gateway.api('GET', '/api/providers/openai');
  const second = (stored.body['keys'] as { id: string; name: string }[]).find(({ name }) => name === 'second');
  expect(body).toMatchObject({ virtual_key: { provider_configs: [{ provider: 'openai', key_ids: [second?.id] }] } });
  await page.reload();
  expect(await entry.getByRole('checkbox', { name: 'second' }).isChecked()).toBe(true);
  expect(await entry.getByRole('checkbox', { name: 'first' }).isChecked()).toBe(false);
  expect(faults).toEqual([]);
  await page.context().close();
});

test('on a phone both answers to a call that waits stand beside each other', async () => {
  const open = { allow_on_all_virtual_keys: true, tools_to_approve: ['echo'] };
  await gateway.createClient(httpClient(upstream.url, open));
  await gateway.execute('c1-echo', { text: 'hi' }, { authorization: `Bearer ${key.value}` });
  const { page } = await openPage(browser, gateway.address, { theme: 'light', width: 390 });
  await signIn(page);
  await page.goto('/workspace/mcp-approvals');
  const [deny, approve] = await Promise.all(
    ['Deny', 'Approve'].map(async (name) => {
      const button = page.getByRole('button', { name });
      await button.waitFor();
      return button.boundingBox();
    }),
  );
  expect(approve?.y).toBe(deny?.y);
  expect(approve?.height).toBe(deny?.height);
  await page.context().close();
});
