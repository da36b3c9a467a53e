import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findBarriers, isTooWide, LOOKS, openChromium } from './chromium.ts';
import { SCREENS, showScreen, startStage, type Stage } from './screens.ts';

let stage: Stage;
let browser: Browser;

beforeAll(async () => {
  [stage, browser] = await Promise.all([startStage(), openChromium()]);
});

afterAll(async () => {
  await browser?.close();
  await stage?.[Symbol.asyncDispose]();
});

describe.each(LOOKS)('$theme at $width px', (look) => {
  test.each(SCREENS)('$name has no barrier, no fault and nothing that sticks out', async (screen) => {
    const { page, faults } = await showScreen(browser, stage, screen, look);
    expect(await findBarriers(page)).toEqual([]);
    expect(await isTooWide(page)).toBe(false);
    expect(faults).toEqual([]);
    await page.context().close();
  });
});

test('a barrier would be found', async () => {
  const [screen] = SCREENS;
  if (screen === undefined) throw new Error('no screen');
  const { page } = await showScreen(browser, stage, screen, { theme: 'light', width: 1280 });
  await page.evaluate(`document.querySelector('label').style.color = '#ddd'`);
  expect((await findBarriers(page)).join()).toContain('color-contrast');
  await page.context().close();
});
