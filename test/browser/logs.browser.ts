import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setUp } from '../kit/browser-session.ts';
import { callText, startScene, type Scene } from '../kit/scene.ts';
import { openChromium, openPage } from './chromium.ts';
import { signIn } from './screens.ts';

let browser: Browser;
let scene: Scene;

beforeAll(async () => {
  [browser, scene] = await Promise.all([openChromium(), startScene()]);
  await setUp(scene.gateway);
});

afterAll(async () => {
  await browser?.close();
  await scene?.[Symbol.asyncDispose]();
});

test('calls show as they happen, a pause holds them back, and a row opens with what went in and out', async () => {
  const { page, faults } = await openAt('/workspace/mcp-logs');
  await page.getByText('No call yet').waitFor();
  await page.getByText('live', { exact: true }).filter({ visible: true }).waitFor();
  await call('first');
  await page.getByRole('row', { name: /first/ }).waitFor();

  await page.getByRole('button', { name: 'Pause' }).click();
  const { page: other } = await openAt('/workspace/mcp-logs');
  await other.getByText('live', { exact: true }).filter({ visible: true }).waitFor();
  await call('second');
  await other.getByRole('row', { name: /second/ }).waitFor();
  await other.context().close();
  expect(await page.getByRole('row', { name: /second/ }).count()).toBe(0);
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByRole('row', { name: /second/ }).click();

  expect(await page.getByLabel('Arguments', { exact: true }).textContent()).toContain('"text": "second"');
  expect(await page.getByLabel('Result', { exact: true }).textContent()).toContain('second');
  const { searchParams } = new URL(page.url());
  expect((await logOf(searchParams.get('selected') ?? '')).arguments).toEqual({ text: 'second' });
  await page.getByRole('button', { name: 'Row below' }).click();
  await page.getByLabel('Arguments', { exact: true }).getByText('"first"').waitFor();
  expect(faults).toEqual([]);
  await page.context().close();
});

test('filters stand in the URL, and a link with them shows the same rows', async () => {
  const { page } = await openAt('/workspace/mcp-logs');
  await page.getByLabel('Search in arguments and results').fill('first');
  await page.getByText('1–1 of 1').waitFor();
  const address = page.url();
  expect(new URL(address).searchParams.get('q')).toBe('first');
  await page.goto(address);
  await page.getByText('1–1 of 1').waitFor();
  await page.getByLabel('Status').selectOption('processing');
  await page.getByText('No call matches').waitFor();
  await page.getByRole('button', { name: 'Clear the filters' }).click();
  await page.getByRole('row', { name: /second/ }).waitFor();
  await page.context().close();
});

test('a deleted call is gone from the list and from the gateway', async () => {
  await call('to be deleted');
  const { page } = await openAt('/workspace/mcp-logs');
  await page.getByRole('row', { name: /to be deleted/ }).click();
  const id = new URL(page.url()).searchParams.get('selected') ?? '';
  await page.getByRole('button', { name: 'Delete' }).click();
  await page
    .getByRole('dialog', { name: /from the logs/ })
    .getByRole('button', { name: 'Delete' })
    .click();
  await page.getByRole('row', { name: /to be deleted/ }).waitFor({ state: 'detached' });
  expect((await scene.gateway.api('GET', `/api/mcp-logs/${id}`)).status).toBe(404);
  await page.context().close();
});

test('the overview sums up, zooms by dragging, and leads to the calls of a tool', async () => {
  const { page, faults } = await openAt('/workspace/dashboard?last=1h');
  const plot = page.getByRole('img', { name: /^Volume and errors over time/ });
  await plot.waitFor();
  const box = await plot.locator('.u-over').boundingBox();
  if (box === null) throw new Error('no plot');
  await page.mouse.move(box.x + box.width / 2, box.y + 40);
  await page.mouse.down();
  await page.mouse.move(box.x + box.width - 2, box.y + 60, { steps: 5 });
  await page.mouse.up();
  await page.getByLabel('From', { exact: true }).waitFor();
  const { searchParams } = new URL(page.url());
  const length = Date.parse(searchParams.get('to') ?? '') - Date.parse(searchParams.get('from') ?? '');
  expect(length).toBeGreaterThan(0);
  expect(length).toBeLessThan(3_600_000);

  await page.getByRole('button', { name: 'Back to now' }).click();
  await page.getByRole('link', { name: 'echo', exact: true }).click();
  await page.getByRole('row', { name: /first/ }).waitFor();
  expect(new URL(page.url()).searchParams.get('tool')).toBe('echo');
  expect(faults).toEqual([]);
  await page.context().close();
});

test('a row that somebody reads stays where it is when others come in above', async () => {
  for (let count = 0; count < 80; count += 1) await call(`row ${count}.`);
  const { page } = await openAt('/workspace/mcp-logs');
  const [row, range] = [page.getByRole('row', { name: 'row 35.' }), page.getByText(/^1–\d+ of \d+$/)];
  const before = await range.textContent();
  await page.evaluate("document.querySelector('[data-table]').scrollTop = 1500");
  await row.waitFor();
  const place = await row.boundingBox();
  await call('above');
  await expect.poll(() => range.textContent()).not.toBe(before);
  expect(await row.boundingBox()).toEqual(place);
  // One row more above it, and none that was passed over on the way.
  expect(await page.evaluate("document.querySelector('[data-table]').scrollTop")).toBe(1538);
  await page.context().close();
});

test('a moment can be typed', async () => {
  const { page } = await openAt('/workspace/mcp-logs?from=2026-01-01T10:00:00.000Z&to=2026-01-02T10:00:00.000Z');
  const from = page.getByLabel('From', { exact: true });
  await from.focus();
  await page.keyboard.type('03042025');
  expect(await from.inputValue()).toMatch(/^2025-03-04/);
  await page.context().close();
});

async function openAt(path: string): Promise<{ page: Page; faults: string[] }> {
  const opened = await openPage(browser, scene.gateway.address);
  await signIn(opened.page);
  await opened.page.goto(path);
  return opened;
}

function call(text: string): Promise<string> {
  return callText(scene.gateway, 'c1-echo', { text });
}

async function logOf(id: string): Promise<Record<string, unknown>> {
  return (await scene.gateway.api('GET', `/api/mcp-logs/${id}`)).body;
}
