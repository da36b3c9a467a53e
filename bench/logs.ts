import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout } from 'node:timers/promises';
import type { LogFilter } from '../src/store/ledger/log-filter.ts';
import type { LedgerStore } from '../src/store/ledger/ledger-store.ts';
import { openLedgerStore } from '../src/store/ledger/open-ledger-store.ts';
import type { PageRequest } from '../src/store/ledger/read-logs.ts';
import { createLedger } from '../src/telemetry/ledger.ts';
import { callEnd, callStart } from '../test/kit/call.ts';

// Fills a ledger with calls of 30 days and measures what the dashboard asks of it: node bench/logs.ts [rows]

const ROWS = Number(process.argv[2] ?? 1_000_000);
const DAY = 86_400_000;
const HOUR = 3_600_000;
const NOW = Date.now();
const BEGIN = NOW - 30 * DAY;
const SERVERS = 5;
const TOOLS = 40;
const KEYS = 50;
const PAGE: PageRequest = { limit: 50, offset: 0, sort_by: 'timestamp', order: 'desc', preview: 1000 };
const LIMIT_MS = 100;

const folder = await mkdtemp(join(tmpdir(), 'asbru-logs-'));
const path = join(folder, 'logs.db');
try {
  const store = await openLedgerStore({ type: 'sqlite', path });
  await fill(store);
  await measure(store);
  await writeAlong(store);
  await store.close();
} finally {
  await rm(folder, { recursive: true, force: true });
}

async function fill(store: LedgerStore): Promise<void> {
  const began = performance.now();
  const ledger = createLedger({ store, onError: console.error });
  for (let index = 0; index < ROWS; index += 1) {
    take(ledger, index, BEGIN + Math.floor((index / ROWS) * 30 * DAY));
    if (index % 5000 === 4999) await ledger.flush();
  }
  await ledger.close();
  const seconds = (performance.now() - began) / 1000;
  const { size } = await stat(path);
  console.log(`${ROWS} rows in ${seconds.toFixed(1)} s, ${Math.round(ROWS / seconds)}/s, ${Math.round(size / 1e6)} MB`);
}

function take(ledger: ReturnType<typeof createLedger>, index: number, timestamp: number): void {
  const tool = (index * 7919) % TOOLS;
  const key = (index * 104_729) % KEYS;
  const entry = ledger.begin(
    callStart({
      ...{ id: crypto.randomUUID(), timestamp, tool_name: `tool-${tool}`, server_label: `server-${tool % SERVERS}` },
      ...{ virtual_key_id: `key-${key}`, virtual_key_name: `Key ${key}` },
      arguments: JSON.stringify({ path: `/data/${index}`, query: 'select * from things where size > 10' }),
    }),
  );
  ledger.charge({ counter_id: `budget-${key}`, window_start: 1, amount: 1000 });
  const isError = index % 50 === 0;
  entry.end(
    callEnd({
      ...{ status: isError ? 'error' : 'success', latency: 5 + (index % 1000) / 10, cost: isError ? 0 : 1000 },
      result: JSON.stringify({ content: [{ type: 'text', text: `row ${index} `.repeat(20) }] }),
      error: isError ? { code: 'upstream_timeout', message: 'no answer' } : undefined,
    }),
  );
}

async function measure(store: LedgerStore): Promise<void> {
  const day: LogFilter = { from: NOW - DAY + 12_345, to: NOW };
  const old: LogFilter = { from: BEGIN + 2 * DAY, to: BEGIN + 3 * DAY };
  const list = (filter: LogFilter, more: Partial<PageRequest> = {}) => store.list(filter, { ...PAGE, ...more });
  await timed('first query (starts the thread)', () => store.span(), Infinity);
  await timed('page, no filter', () => list({}));
  await timed('page of 24 h', () => list(day));
  await timed('page by tool', () => list({ tool_names: ['tool-7'] }));
  await timed('page by 3 tools', () => list({ tool_names: ['tool-7', 'tool-8', 'tool-9'] }));
  await timed('page by server', () => list({ server_labels: ['server-3'] }));
  await timed('page by key', () => list({ virtual_key_ids: ['key-13'] }));
  await timed('page by 3 keys', () => list({ virtual_key_ids: ['key-13', 'key-14', 'key-15'] }));
  await timed('page by status', () => list({ status: ['error'] }));
  await timed('page by tool and key', () => list({ tool_names: ['tool-7'], virtual_key_ids: ['key-13'] }));
  await timed('page by tool, key, status of 24 h', () =>
    list({ ...day, tool_names: ['tool-7'], virtual_key_ids: ['key-7'], status: ['error'] }),
  );
  await timed('page by tool of an old day', () => list({ ...old, tool_names: ['tool-7'] }));
  await timed('page by status of an old day', () => list({ ...old, status: ['error'] }));
  await timed('page by server, offset 5000', () => list({ server_labels: ['server-3'] }, { offset: 5000 }));
  await timed('histogram of 24 h', () => store.sums(day, { by: 'time', bucket: HOUR }));
  await timed('histogram of 24 h by tool', () =>
    store.sums({ ...day, tool_names: ['tool-7'] }, { by: 'time', bucket: HOUR }),
  );
  await timed('histogram of 2 h', () => store.sums({ from: NOW - 2 * HOUR }, { by: 'time', bucket: 600_000 }));
  await timed('histogram of 30 d', () => store.sums({ from: BEGIN }, { by: 'time', bucket: 3 * DAY }));
  await timed('stats of 24 h', () => store.total(day));
  await timed('stats of everything', () => store.total({}));
  await timed('top tools of 24 h', () => store.sums(day, { by: 'tool' }));
  await timed('filter data', () => store.filterValues());
  await timed('page by latency of 24 h', () => list({ ...day, min_latency: 104 }), Infinity);
  await timed('slowest of everything', () => list({}, { sort_by: 'latency' }), Infinity);
  await timed('content search of 24 h', () => list({ ...day, content_search: 'row 999' }), Infinity);
  await timed('content search of everything', () => list({ content_search: 'row 999999' }), Infinity);
}

/** The median of five runs, and how long the main thread was held up meanwhile. */
async function timed(name: string, run: () => Promise<unknown>, limit = LIMIT_MS): Promise<void> {
  const loop = monitorEventLoopDelay({ resolution: 1 });
  loop.enable();
  const times: number[] = [];
  for (let round = 0; round < 5; round += 1) {
    const began = performance.now();
    await run();
    times.push(performance.now() - began);
  }
  loop.disable();
  const median = times.toSorted((a, b) => a - b)[2] ?? 0;
  const verdict = median <= limit ? '' : `  MORE THAN ${limit} ms`;
  console.log(
    `${name.padEnd(38)} ${median.toFixed(1).padStart(8)} ms, first ${times[0]?.toFixed(1)}; main thread ${(loop.max / 1e6).toFixed(1)} ms at most${verdict}`,
  );
  if (verdict !== '') process.exitCode = 1;
}

/** 5,000 calls a second while searches run: what a call and a portion cost the main thread. */
async function writeAlong(store: LedgerStore): Promise<void> {
  const ledger = createLedger({ store, onError: console.error });
  const loop = monitorEventLoopDelay({ resolution: 1 });
  const signal = AbortSignal.timeout(5000);
  const searching = (async () => {
    while (!signal.aborted) await store.list({ content_search: 'nowhere to be found' }, PAGE);
  })();
  loop.enable();
  let [calls, spent] = [0, 0];
  while (!signal.aborted) {
    const began = performance.now();
    for (let index = 0; index < 25; index += 1) take(ledger, (calls += 1), Date.now());
    spent += performance.now() - began;
    await setTimeout(5);
  }
  loop.disable();
  const flushing = performance.now();
  await ledger.flush();
  const late = performance.now() - flushing;
  const cpu = process.cpuUsage();
  console.log(
    `${calls} calls in 5 s during a search: ${((spent / calls) * 1000).toFixed(1)} µs to take down a call (with making its texts), last flush ${late.toFixed(0)} ms,`,
    `main thread p99 ${(loop.percentile(99) / 1e6).toFixed(1)} ms, at most ${(loop.max / 1e6).toFixed(1)} ms, dropped ${ledger.dropped}, cpu so far ${(cpu.user / 1e6).toFixed(0)} s`,
  );
  await searching;
}
