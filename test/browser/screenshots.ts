// `npm run screenshots`: every screen in both themes and both widths, into docs/screenshots.
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { LOOKS, openChromium } from './chromium.ts';
import { SCREENS, createViewer, startStage } from './screens.ts';

const folder = join(import.meta.dirname, '..', '..', 'docs', 'screenshots');
const wanted = process.argv[2];
if (wanted === undefined) rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
const stage = await startStage();
const browser = await openChromium();
const viewer = createViewer(browser, stage);
for (const screen of SCREENS.filter(({ name }) => wanted === undefined || name === wanted)) {
  for (const look of LOOKS) {
    const { page } = await viewer.show(screen, look);
    await page.screenshot({ path: join(folder, `${screen.name}-${look.theme}-${look.width}.png`) });
  }
  console.log(screen.name);
}
await browser.close();
await stage[Symbol.asyncDispose]();
