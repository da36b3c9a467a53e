// `npm run screenshots`: every screen in both themes and both widths, into docs/screenshots; with names, these screens alone.
import { mkdirSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { LOOKS, openChromium, type Look } from './chromium.ts';
import { shrinkPng } from './png.ts';
import { SCREENS, createViewer, startStage, type Screen } from './screens.ts';

const folder = join(import.meta.dirname, '..', '..', 'docs', 'screenshots');
const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !SCREENS.some((screen) => screen.name === name));
if (unknown.length > 0) throw new Error(`There is no screen ${unknown.join(', ')}: see test/browser/screens.ts`);
const screens = SCREENS.filter(({ name }) => wanted.length === 0 || wanted.includes(name));

await using cleanup = new AsyncDisposableStack();
const stage = cleanup.use(await startStage());
const browser = await openChromium();
cleanup.defer(() => browser.close());
const viewer = createViewer(browser, stage);
const failed: string[] = [];
mkdirSync(folder, { recursive: true });
for (const screen of screens) {
  const sizes = [];
  for (const look of LOOKS) sizes.push(await take(screen, look));
  console.log(`${screen.name.padEnd(20)} ${sizes.join(' ')}`);
}
if (wanted.length === 0 && failed.length === 0) removeOthers();
const files = readdirSync(folder);
const total = files.reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
console.log(`${files.length} pictures, ${(total / 1024 / 1024).toFixed(1)} MB`);
if (failed.length > 0) {
  console.error(`These could not be taken, and are as they were:\n${failed.join('\n')}`);
  process.exitCode = 1;
}

/** Takes one picture and says its size. One that fails must not cost the others. */
async function take(screen: Screen, look: Look): Promise<string> {
  try {
    const { page } = await viewer.show(screen, look);
    const picture = shrinkPng(await page.screenshot({ animations: 'disabled', caret: 'hide' }));
    writeFileSync(join(folder, fileOf(screen, look)), picture);
    return `${(picture.length / 1024).toFixed(0)} KB`;
  } catch (error) {
    failed.push(`${fileOf(screen, look)}: ${String(error).split('\n').slice(0, 3).join(' ')}`);
    return 'failed';
  }
}

function fileOf({ name }: Screen, { theme, width }: Look): string {
  return `${name}-${theme}-${width}.png`;
}

/** What is left of screens that there are no more. */
function removeOthers(): void {
  const taken = new Set(SCREENS.flatMap((screen) => LOOKS.map((look) => fileOf(screen, look))));
  for (const file of readdirSync(folder)) if (!taken.has(file)) rmSync(join(folder, file));
}
