import type { Page } from 'playwright-core';
import { expect } from 'vitest';

/** Where the focus is. */
export interface Stop {
  readonly name: string;
  readonly role: string;
  /** It can be seen that the focus is here, and the place is in the window. */
  readonly isSeen: boolean;
  /** It comes after the stop before. */
  readonly isInOrder: boolean;
}

/** The hands of a person who uses no mouse: every stop of the focus is checked on the way. */
export function byKeyboard(page: Page) {
  /** Presses Tab until the focus is on what has this name. Everything on the way must be seen, and in order. */
  async function tabTo(name: string | RegExp): Promise<void> {
    const stops: string[] = [];
    for (let presses = 0; presses < 80; presses += 1) {
      await page.keyboard.press('Tab');
      const stop = await stopOf(page);
      stops.push(stop.name);
      expect(stop, `after ${stops.join(' > ')}`).toMatchObject({ isSeen: true, isInOrder: true });
      if (typeof name === 'string' ? stop.name === name : name.test(stop.name)) return;
    }
    throw new Error(`Tab does not lead to ${String(name)}: ${stops.join(' > ')}`);
  }

  return {
    tabTo,
    press: (...keys: string[]) => keys.reduce((before, key) => before.then(() => page.keyboard.press(key)), done),
    type: (text: string) => page.keyboard.insertText(text),
    /** Puts another text in the place of the one that is there. */
    async replace(text: string): Promise<void> {
      await page.keyboard.press('Control+a');
      await page.keyboard.insertText(text);
    },
    focus: () => stopOf(page),
  };
}

const done = Promise.resolve();

function stopOf(page: Page): Promise<Stop> {
  return page.evaluate(STOP) as Promise<Stop>;
}

/** Runs in the page. The element of the stop before is kept there, to compare the order. */
const STOP = `(() => {
  const element = document.activeElement ?? document.body;
  const label = element.labels?.[0]?.textContent ?? '';
  const of = element.getAttribute('aria-labelledby');
  const labelled = of === null ? '' : (document.getElementById(of)?.textContent ?? '');
  const name = element.getAttribute('aria-label') ?? (label || labelled || element.textContent || '');
  const { outlineStyle, outlineWidth } = getComputedStyle(element);
  const box = element.getBoundingClientRect();
  const isInside = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth && box.width > 0;
  const hasOutline = outlineStyle !== 'none' && parseFloat(outlineWidth) >= 1;
  const before = globalThis.stopBefore;
  globalThis.stopBefore = element;
  const isInOrder = before === undefined || before === element || !before.isConnected ||
    (before.compareDocumentPosition(element) & Node.DOCUMENT_POSITION_FOLLOWING) !== 0;
  return {
    name: name.trim().replace(/\\s+/g, ' '),
    role: element.getAttribute('role') ?? element.tagName.toLowerCase(),
    isSeen: isInside && hasOutline,
    isInOrder,
  };
})()`;
