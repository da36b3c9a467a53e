// `npm run dashboard:measure`: how fluid the dashboard is with 500 servers and 5,000 tools, in a real Chromium. It asserts nothing.
import type { CDPSession, Page } from 'playwright-core';
import { setUp } from '../kit/browser-session.ts';
import { startGateway } from '../kit/gateway.ts';
import { inProcessServer } from '../kit/in-process.ts';
import { openChromium, openPage } from './chromium.ts';
import { PROBE, type Frames } from './probe.ts';
import { signIn } from './screens.ts';

const SERVERS = 500;
const TOOLS = 5_000;

await using cleanup = new AsyncDisposableStack();
const gateway = cleanup.use(
  await startGateway({
    inprocess: { few: serverOf(TOOLS / SERVERS), many: serverOf(TOOLS) },
    config: { mcp: { client_configs: [...Array.from({ length: SERVERS - 1 }, (_, at) => record(at)), MANY()] } },
  }),
);
await gateway.ready;
await setUp(gateway);
const browser = await openChromium();
cleanup.defer(() => browser.close());
const { page } = await openPage(browser, gateway.address);
await page.addInitScript(PROBE);
await signIn(page);
await page.goto('/workspace/settings'); // the parts that all pages share are in the cache, as they are on any second visit

console.log(
  `${SERVERS} servers with ${TOOLS} tools, and one of them with ${TOOLS} more; Chromium ${browser.version()}`,
);
await measure('MCP servers', '/workspace/mcp-registry', 'Search servers and tools', [
  'server_3',
  'tool_7',
  'nothing like it',
]);
await measure('Tools of a server', '/workspace/mcp-registry/many', 'Search tools', [
  'tool_49',
  'does',
  'nothing like it',
]);
await measurePicker('Playground: choose a tool', '/workspace/playground', 'Tool', 'tool_77');

function serverOf(count: number) {
  const { host, create } = inProcessServer();
  const [echo] = host.tools.values();
  host.tools.clear();
  for (let at = 0; at < count; at += 1) {
    const name = `tool_${at}`;
    if (echo !== undefined)
      host.tools.set(name, { ...echo, name, description: `Does what tool ${at} does, and tells about it` });
  }
  return create;
}

function record(at: number) {
  const name = `server_${String(at).padStart(3, '0')}`;
  return { client_id: name, name, connection_type: 'inprocess', connection_string: 'few', tools_to_execute: ['*'] };
}

function MANY() {
  return { ...record(0), client_id: 'many', name: 'many', connection_string: 'many' };
}

/** The first rows of a table, its scrolling, and its search. */
async function measure(title: string, path: string, search: string, words: readonly string[]): Promise<void> {
  console.log(`\n${title}`);
  await page.goto(path, { waitUntil: 'commit' });
  const first = await page.evaluate<number>('probe.firstRow()');
  print('first rows', `${ms(first)} after the page was asked for`);
  await page.waitForTimeout(500);
  print('scroll', say(await scroll(page, '[data-table]')));
  print('asks again', await askedAgain(page));
  const box = page.getByLabel(search);
  for (const word of words) {
    await box.fill('');
    await page.waitForTimeout(300);
    print(`search "${word}"`, await typed(page, word, () => box.focus()));
  }
}

/** The page asks every ten seconds where its servers stand. */
async function askedAgain(page: Page): Promise<string> {
  await page.evaluate('probe.start()');
  const answer = await page.waitForResponse((response) => response.url().includes('/api/mcp/client'));
  const body = await answer.body();
  await page.waitForTimeout(500);
  const { longest } = await page.evaluate<Frames>('probe.stop()');
  return `${(body.length / 1024 / 1024).toFixed(1)} MB, longest task ${ms(longest)}`;
}

/** Opens a list to choose from, and types. */
async function measurePicker(title: string, path: string, label: string, word: string): Promise<void> {
  console.log(`\n${title}`);
  await page.goto(path);
  await page.getByText(/can be tried/).waitFor();
  const box = page.getByLabel(label, { exact: true });
  const opened = await timed(page, () => box.click());
  print('opens', opened);
  print(`search "${word}"`, await typed(page, word, () => box.focus()));
}

async function typed(page: Page, word: string, focus: () => Promise<void>): Promise<string> {
  await focus();
  const took: number[] = [];
  await page.evaluate('probe.start()');
  for (const letter of word) took.push(await press(page, letter));
  const { longest } = await page.evaluate<Frames>('probe.stop()');
  return `a key to its result ${ms(median(took))}, at most ${ms(Math.max(...took))}; longest task ${ms(longest)}`;
}

/** From a key to the frame that shows what it did. */
async function press(page: Page, letter: string): Promise<number> {
  await page.keyboard.press(letter === ' ' ? 'Space' : letter);
  return page.evaluate<number>('probe.shown()');
}

async function timed(page: Page, act: () => Promise<void>): Promise<string> {
  await page.evaluate('probe.start()');
  await act();
  const shown = await page.evaluate<number>('probe.shown()');
  const { longest } = await page.evaluate<Frames>('probe.stop()');
  return `${ms(shown)}; longest task ${ms(longest)}`;
}

/** Scrolls as a wheel does, through the compositor. */
async function scroll(page: Page, selector: string): Promise<Frames & { readonly cpu: number }> {
  const box = await page.locator(selector).boundingBox();
  if (box === null) throw new Error(`no ${selector}`);
  const cdp = await page.context().newCDPSession(page);
  await cdp.send('Performance.enable', { timeDomain: 'threadTicks' });
  const before = await busy(cdp);
  await page.evaluate('probe.start()');
  for (const yDistance of [-8_000, 8_000])
    await cdp.send('Input.synthesizeScrollGesture', {
      ...{ x: box.x + box.width / 2, y: box.y + box.height / 2, yDistance, speed: 3_000, gestureSourceType: 'mouse' },
    });
  const frames = await page.evaluate<Frames>('probe.stop()');
  return { ...frames, cpu: ((await busy(cdp)) - before) / frames.frames };
}

/** Milliseconds of CPU time that the page itself has used. */
async function busy(cdp: CDPSession): Promise<number> {
  const { metrics } = await cdp.send('Performance.getMetrics');
  return (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? 0) * 1_000;
}

function say({ frames, seconds, dropped, longest, gap, cpu }: Frames & { readonly cpu: number }): string {
  const rate = (frames / seconds).toFixed(0);
  const share = ((100 * dropped) / (frames + dropped)).toFixed(0);
  const watched = `${rate} frames/s, ${share} % dropped, longest gap ${ms(gap)}, longest task ${ms(longest)}`;
  return `${watched}, CPU ${cpu.toFixed(1)} ms a frame of 16.7`;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}

function ms(value: number): string {
  return `${value.toFixed(0)} ms`;
}

function print(what: string, text: string): void {
  console.log(`  ${what.padEnd(26)} ${text}`);
}
