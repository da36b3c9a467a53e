import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findBarriers, isTooWide, LOOKS, openChromium } from './chromium.ts';
import { SCREENS, createViewer, startStage, type Stage } from './screens.ts';

let stage: Stage;
let browser: Browser;
let viewer: ReturnType<typeof createViewer>;

beforeAll(async () => {
  [stage, browser] = await Promise.all([startStage(), openChromium()]);
  viewer = createViewer(browser, stage);
});

afterAll(async () => {
  await browser?.close();
  await stage?.[Symbol.asyncDispose]();
});

describe.each(LOOKS)('$theme at $width px', (look) => {
  test.each(SCREENS)('$name has no barrier, no fault and nothing that sticks out', async (screen) => {
    const { page, faults } = await viewer.show(screen, look);
    expect(await findBarriers(page)).toEqual([]);
    expect(await isTooWide(page)).toBe(false);
    expect(faults).toEqual([]);
  });
});

test('a barrier would be found', async () => {
  const [screen] = SCREENS;
  if (screen === undefined) throw new Error('no screen');
  const { page } = await viewer.show(screen, { theme: 'light', width: 1280 });
  await page.evaluate(`document.querySelector('label').style.color = '#ddd'`);
  expect((await findBarriers(page)).join()).toContain('color-contrast');
});
