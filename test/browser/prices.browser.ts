import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setUp } from '../kit/browser-session.ts';
import { startGateway, type TestGateway } from '../kit/gateway.ts';
import { openChromium, openPage } from './chromium.ts';
import { signIn } from './screens.ts';

const PATH = '/api/governance/pricing-overrides';

let browser: Browser;
let gateway: TestGateway;

beforeAll(async () => {
  [browser, gateway] = await Promise.all([openChromium(), startGateway()]);
  await setUp(gateway);
});

afterAll(async () => {
  await browser?.close();
  await gateway?.close();
});

test('a price is added with faults beside their fields, changed, asked about when left unsaved, and deleted', async () => {
  const { page, faults } = await openPage(browser, gateway.address);
  await signIn(page);
  await page.goto('/workspace/pricing-overrides');
  await page.getByText('No price of your own').waitFor();
  await page.getByRole('button', { name: 'Add a price' }).click();
  const drawer = page.getByRole('dialog', { name: 'Add a price' });
  await drawer.getByLabel('Name', { exact: true }).fill('contract');
  await drawer.getByLabel('Model', { exact: true }).fill('gpt-5*');
  await drawer.getByLabel('What goes in').fill('-1');
  await drawer.getByRole('button', { name: 'Save' }).click();
  await drawer.getByText('must not be negative').waitFor();
  expect(await drawer.getByLabel('What goes in').getAttribute('aria-invalid')).toBe('true');
  await drawer.getByLabel('What goes in').fill('1.5');
  await drawer.getByLabel('What comes out').fill('6');
  await drawer.getByRole('button', { name: 'Save' }).click();
  await drawer.getByText('a * needs the match_type wildcard').waitFor();
  await drawer.getByLabel('Which models').selectOption('wildcard');
  await drawer.getByLabel('Holds for').selectOption('provider');
  await drawer.getByRole('button', { name: 'Save' }).click();
  await drawer.getByText('must name a provider').waitFor();
  await drawer.getByLabel('Holds for').selectOption('global');
  await drawer.getByRole('button', { name: 'Save' }).click();
  const row = page.getByRole('row', { name: /contract gpt-5\* all \$1\.50 \$6\.00/ });
  await row.click();

  const opened = page.getByRole('dialog', { name: 'contract', exact: true });
  await opened.getByLabel('Read from the cache').fill('0');
  await page.keyboard.press('Escape');
  const question = page.getByRole('dialog', { name: 'Leave without saving?' });
  await question.getByRole('button', { name: 'Stay' }).click();
  await opened.getByRole('button', { name: 'Save' }).click();
  await opened.waitFor({ state: 'detached' });
  expect((await gateway.api('GET', PATH)).body).toMatchObject({
    pricing_overrides: [
      {
        ...{ name: 'contract', scope_kind: 'global', match_type: 'wildcard', pattern: 'gpt-5*' },
        patch: { input: 1.5, output: 6, cache_read: 0 },
      },
    ],
  });

  await row.click();
  await opened.getByLabel('What goes in').fill('9');
  await page.keyboard.press('Escape');
  await question.getByRole('button', { name: 'Leave' }).click();
  await opened.waitFor({ state: 'detached' });
  await row.click();
  await opened.getByRole('button', { name: 'Delete' }).click();
  await page.getByRole('dialog', { name: 'Delete "contract"?' }).getByRole('button', { name: 'Delete' }).click();
  await page.getByText('No price of your own').waitFor();
  expect(faults).toEqual([]);
  await page.context().close();
});
