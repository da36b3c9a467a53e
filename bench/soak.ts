/**
 * `npm run soak -- --minutes N`: whether the gateway gives back all that it takes. A real gateway is put under a mixed load with
 * servers, keys and sessions that come and go; once to get warm, once for N minutes. After each it is left alone until what it keeps
 * for idle clients has run out, and what it then holds must be the same both times. `--only TEXT` leaves out what has other names in
 * the results; `--snapshots` writes the heap to bench/results at both times.
 */
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Pool } from 'undici';
import { demandBuild } from './asbru.ts';
import { startCallers } from './soak/callers.ts';
import { startChangers } from './soak/changers.ts';
import { HELD, least, look, type Held } from './soak/probe.ts';
import { createTally, type Tally } from './soak/tally.ts';
import { openWorld, type World } from './soak/world.ts';

/** What may be more after the load than before it. */
const ROOM = 0.05;
/** Timers of two minutes and more run so many times faster. */
const HASTE = 10;
/** A call whose client has gone may run on for half a minute; then what serves idle clients is kept for a minute, or for five, which are half a minute here. */
const SETTLE_MS = 120_000;
const LOOK_EVERY_MS = 10_000;
/** The longest that something which was begun may take when the load is over. */
const PATIENCE_MS = 30_000;

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '3' },
    warm: { type: 'string' },
    only: { type: 'string' },
    snapshots: { type: 'boolean', default: false },
  },
});
const minutes = Number(values.minutes);
// Too short, and what V8 takes once and keeps for good would pass for a leak.
const warmMinutes = Number(values.warm ?? Math.min(5, minutes));
const report = path.join(tmpdir(), `asbru-soak-${process.pid}.json`);
const results = fileURLToPath(new URL('results', import.meta.url));
if (!(minutes > 0 && warmMinutes > 0)) throw new Error('--minutes and --warm must be more than 0');

demandBuild();
await mkdir(results, { recursive: true });
await using stack = new AsyncDisposableStack();
const world = await openWorld(stack, {
  SOAK_REPORT: report,
  SOAK_HASTE: String(HASTE),
});
const started = performance.now();
line('s', 'calls', ...HELD.map((name) => (name === 'heap' || name === 'rss' ? `${name} MB` : name)));

const first = await load(world, warmMinutes);
const before = await settle('warm', first.calls);
const second = await load(world, minutes);
const after = await settle('after', first.calls + second.calls);
judge(second, before, after);

/** Puts the gateway under load, looking into it now and then. */
async function load(world: World, forMinutes: number): Promise<Tally> {
  const over = AbortSignal.timeout(forMinutes * 60_000);
  const tally = createTally(over, values.only);
  await using pool = Object.assign(new Pool(world.caller.address, { connections: 8 }), {
    [Symbol.asyncDispose]: () => pool.close(),
  });
  const work = Promise.all([...startCallers(world, tally, pool), ...startChangers(world, tally)]);
  while (!over.aborted) {
    await sleep(LOOK_EVERY_MS, undefined, { signal: over }).catch(() => undefined);
    world.tidy();
    if (!over.aborted) print('', tally.calls, await look(world.process.pid, report));
  }
  const late = sleep(PATIENCE_MS, undefined, { ref: false }).then(() => {
    throw new Error(`these did not come to an end: ${tally.busy.join(', ')}`);
  });
  await Promise.race([work, late]);
  return tally;
}

/** Leaves the gateway alone until nothing is kept any more; gives the least of the looks since then. */
async function settle(name: string, calls: number): Promise<Held> {
  await sleep(SETTLE_MS);
  const looks: Held[] = [];
  for (let round = 0; round < 3; round += 1) {
    await sleep(2_000);
    looks.push(await look(world.process.pid, report));
  }
  const held = least(looks);
  if (values.snapshots) await look(world.process.pid, report, path.join(results, `soak-${name}.heapsnapshot`));
  print(name, calls, held);
  return held;
}

function judge(tally: Tally, before: Held, after: Held): void {
  for (const text of ['', ...tally.render(), '']) console.log(text);
  let isGood = true;
  for (const name of HELD) {
    const change = after[name] - before[name];
    // Of a handful, one more is more than a twentieth; two are, too, and are looked at.
    const isBack = change <= Math.max(before[name] * ROOM, name === 'heap' || name === 'rss' ? 0 : 1);
    isGood &&= isBack;
    const share = before[name] === 0 ? '' : ` (${((change / before[name]) * 100).toFixed(1)} %)`;
    console.log(
      `${name.padEnd(10)} ${show(before[name])} → ${show(after[name])}${share}   ${isBack ? 'back' : 'NOT BACK'}`,
    );
  }
  const slope = ((after.heap - before.heap) / tally.calls) * 1_000_000;
  console.log(`\n${tally.calls} calls, ${tally.failures} failures, ${slope.toFixed(1)} MB of heap per million calls`);
  isGood &&= tally.failures === 0;
  console.log(isGood ? 'Everything was given back.' : 'NOT everything was given back, or something failed.');
  if (!isGood) process.exitCode = 1;
}

function print(name: string, calls: number, held: Held): void {
  const seconds = ((performance.now() - started) / 1000).toFixed(0);
  line(seconds, String(calls), ...HELD.map((each) => show(held[each])), name);
}

function show(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(1);
}

function line(...cells: string[]): void {
  console.log(cells.map((cell) => cell.padStart(10)).join(''));
}
