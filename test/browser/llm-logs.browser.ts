import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { setUp } from '../kit/browser-session.ts';
import { startModelScene, type ModelScene } from '../kit/models.ts';
import { openChromium, openPage } from './chromium.ts';
import { signIn } from './screens.ts';

let browser: Browser;
let scene: ModelScene;

beforeAll(async () => {
  [browser, scene] = await Promise.all([
    openChromium(),
    startModelScene({ client: { tools_to_auto_execute: ['echo'] } }),
  ]);
  await setUp(scene.gateway);
});

afterAll(async () => {
  await browser?.close();
  await scene?.[Symbol.asyncDispose]();
});

test('requests show as they happen, and one opens with its conversation, tokens, timings and unknown cost', async () => {
  const { page, faults } = await openAt('/workspace/logs');
  await page.getByText('No request yet').waitFor();
  await page.getByText('live', { exact: true }).filter({ visible: true }).waitFor();
  scene.models.script({ text: 'forty-two' });
  await ask('openai/unheard-of', 'what is the answer?');
  await page.getByRole('row', { name: /openai\/unheard-of what is the answer\?/ }).click();
  const detail = page.getByRole('dialog');
  await detail.getByRole('list', { name: 'Request' }).getByText('what is the answer?').waitFor();
  await detail.getByRole('list', { name: 'Answer' }).getByText('forty-two').waitFor();
  await detail.getByText('11 in, 7 out, 18 in all').waitFor();
  await detail.getByText('unknown', { exact: true }).waitFor();
  await detail.getByText('0af7651916cd43dd8448eb211c80319c').first().waitFor();
  const { searchParams } = new URL(page.url());
  const { body } = await scene.gateway.api('GET', `/api/logs/${searchParams.get('selected')}`);
  expect(body).toMatchObject({ model: 'unheard-of', cost: null, token_usage: { total_tokens: 18 } });
  expect(faults).toEqual([]);
  await page.context().close();
});

test('a run of an agent shows its requests and its calls, and each leads to its own row', async () => {
  scene.models.script({ calls: [{ name: 'c1-echo', args: { text: 'from the agent' } }] }, { text: 'done' });
  await ask('openai/agent', 'call the tool');
  const { page, faults } = await openAt('/workspace/logs?model=agent');
  await page.getByRole('row', { name: /openai\/agent call the tool/ }).click();
  const steps = page.getByRole('list', { name: 'Steps of the run' });
  await steps.getByText('openai/agent (this one)').waitFor();
  expect(await steps.getByRole('listitem').count()).toBe(3);
  await page.getByLabel('Arguments of c1-echo').getByText('from the agent').waitFor();
  await steps.getByRole('link', { name: 'openai/agent' }).click();
  await page.getByRole('list', { name: 'Answer' }).getByText('done').waitFor();
  await steps.getByRole('link', { name: 'echo' }).click();
  await page.getByLabel('Result', { exact: true }).getByText('from the agent').waitFor();
  expect(new URL(page.url()).pathname).toBe('/workspace/mcp-logs');
  await page.getByRole('link', { name: 'the request' }).click();
  await page.getByRole('dialog').getByRole('list', { name: 'Steps of the run' }).waitFor();
  expect(faults).toEqual([]);
  await page.context().close();
});

test('filters stand in the URL, a pause holds rows back, and a deleted request is gone', async () => {
  const { page } = await openAt('/workspace/logs');
  await page.getByLabel('Cost', { exact: true }).selectOption('unknown');
  await page.getByLabel('Model', { exact: true }).fill('unheard');
  await page.getByRole('option', { name: 'unheard-of' }).click();
  await page.getByText('1–1 of 1').waitFor();
  const address = page.url();
  expect(Object.fromEntries(new URL(address).searchParams)).toMatchObject({ model: 'unheard-of', cost: 'unknown' });
  await page.getByRole('button', { name: 'Pause' }).click();
  await ask('openai/unheard-of', 'while nobody looks');
  const { page: other } = await openAt(address);
  await other.getByRole('row', { name: /while nobody looks/ }).waitFor();
  await other.context().close();
  expect(await page.getByRole('row', { name: /while nobody looks/ }).count()).toBe(0);
  await page.getByRole('button', { name: 'Go on' }).click();
  await page.getByRole('row', { name: /while nobody looks/ }).click();
  const id = new URL(page.url()).searchParams.get('selected');
  await page.getByRole('button', { name: 'Delete' }).click();
  await page
    .getByRole('dialog', { name: /from the logs/ })
    .getByRole('button', { name: 'Delete' })
    .click();
  await page.getByRole('row', { name: /while nobody looks/ }).waitFor({ state: 'detached' });
  expect((await scene.gateway.api('GET', `/api/logs/${id}`)).status).toBe(404);
  await page.context().close();
});

test('the plots sum up, zoom by dragging, and lead to the requests of a model', async () => {
  const { page, faults } = await openAt('/workspace/logs?last=1h');
  await page.getByRole('tab', { name: 'Plots' }).click();
  for (const title of ['Volume and errors', 'Time taken', 'Tokens', 'Cost', 'Requests by model'])
    await page.getByRole('img', { name: new RegExp(`^${title} over time`) }).waitFor();
  const over = page.getByRole('img', { name: /^Tokens over time/ }).locator('.u-over');
  await over.scrollIntoViewIfNeeded();
  const box = await over.boundingBox();
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
  await page.getByRole('link', { name: 'agent', exact: true }).click();
  await page.getByRole('row', { name: /openai\/agent call the tool/ }).waitFor();
  expect(new URL(page.url()).searchParams.get('model')).toBe('agent');
  expect(faults).toEqual([]);
  await page.context().close();
});

async function openAt(path: string): Promise<{ page: Page; faults: string[] }> {
  const opened = await openPage(browser, scene.gateway.address);
  await signIn(opened.page);
  await opened.page.goto(path);
  return opened;
}

async function ask(model: string, content: string): Promise<void> {
  const body = { model, messages: [{ role: 'user', content }] };
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const { status, body: answer } = await scene.gateway.api('POST', '/v1/chat/completions', body, { traceparent });
  if (status !== 200) throw new Error(`${status} ${JSON.stringify(answer)}`);
}
