/**
 * `node bench/dashboard.ts [rows]`: `/mcp` with and without somebody who reads the dashboard, with a million calls in the log. Rounds
 * with and without alternate, so that both see the same machine.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { timeUuid } from '../src/lib/time-uuid.ts';
import { openLedgerStore } from '../src/store/ledger/open-ledger-store.ts';
import type { CompletedCall } from '../src/store/ledger/batch.ts';
import { createCaller, read, send } from './accounts.ts';
import { createAppDir, demandBuild, startAsbru, waitUntilConnected } from './asbru.ts';
import type { Sample } from './load.ts';
import { startGenerator, startServer } from './processes.ts';
import { median } from './statistics.ts';
import { asHttpClient } from './targets.ts';

const ROWS = Number(process.argv[2] ?? 1_000_000);
const [ROUNDS, SECONDS, RAMP_SECONDS] = [8, 3, 0.5];
/** How often a dashboard that is open asks for everything it shows. */
const EVERY_MS = 1_000;
const [TOOLS, KEYS, BATCH, DAYS] = [40, 50, 5_000, 30];
const DAY_MS = 86_400_000;
const MOST = 1.1;

demandBuild();
await using upstream = await startServer({ script: fileURLToPath(new URL('targets/upstream.ts', import.meta.url)) });
await using appDir = await createAppDir([asHttpClient('bench', `${upstream.origin}/mcp`)]);
await fill(path.join(appDir.dir, 'logs.db'));
await using gateway = await startAsbru(appDir);
const { origin } = gateway;
await waitUntilConnected(origin, 1);
const { headers } = await createCaller(origin, 'bench');
await using generator = startGenerator();

await sample(SECONDS);
const [alone, watched]: [Sample[], Sample[]] = [[], []];
/** How long each query took, in ms. */
const asked = new Map<string, number[]>();
for (let round = 0; round < ROUNDS; round += 1) {
  // Neither is always the first, for a machine may be busier and busier.
  const turns = round % 2 === 0 ? [false, true] : [true, false];
  for (const isWatched of turns)
    (isWatched ? watched : alone).push(await (isWatched ? sampleWatched() : sample(SECONDS)));
}
report('p50 ms', (one) => one.p50, MOST);
report('p99 ms', (one) => one.p99, MOST);
report('calls/s', (one) => one.callsPerSecond);
report('CPU µs/call', (one) => one.cpuMicros);
for (const [query, times] of asked) {
  console.log(
    `${median(times).toFixed(1).padStart(8)} ms, at most ${Math.max(...times)
      .toFixed(0)
      .padStart(5)}   ${query}`,
  );
}

/** Calls that began in the last days and have ended, written as the gateway writes them. */
async function fill(file: string): Promise<void> {
  const store = await openLedgerStore({ type: 'sqlite', path: file });
  const begin = Date.now() - DAYS * DAY_MS;
  for (let from = 0; from < ROWS; from += BATCH) {
    const count = Math.min(BATCH, ROWS - from);
    const completed = Array.from({ length: count }, (_, index) =>
      callAt(from + index, begin + Math.floor(((from + index) / ROWS) * DAYS * DAY_MS)),
    );
    const seq = from / BATCH + 1;
    await store.write({ node: 'filled', seq, started: [], ended: [], completed, charges: [] });
  }
  await store.close();
  if (!existsSync(file)) throw new Error(`${file} was not made`);
}

function callAt(index: number, timestamp: number): CompletedCall {
  const [tool, key] = [(index * 7919) % TOOLS, (index * 104_729) % KEYS];
  // A prime, so that errors are spread over all tools and keys.
  const isError = index % 53 === 0;
  return {
    start: {
      id: timeUuid(timestamp),
      timestamp,
      tool_name: `tool-${tool}`,
      server_label: `server-${tool % 5}`,
      client_id: `client-${tool % 5}`,
      principal: `virtual-key:key-${key}`,
      virtual_key_id: `key-${key}`,
      virtual_key_name: `Key ${key}`,
      team_id: undefined,
      team_name: undefined,
      customer_id: undefined,
      customer_name: undefined,
      source: 'mcp',
      app: 'bench',
      user_agent: undefined,
      request_id: undefined,
      llm_request_id: undefined,
      arguments: `{"path":"/data/${index}"}`,
      metadata: undefined,
    },
    end: {
      status: isError ? 'error' : 'success',
      latency: 5 + (index % 1000) / 10,
      cost: isError ? 0 : 1_000,
      result: `{"content":[{"type":"text","text":"${`row ${index} `.repeat(10)}"}]}`,
      error: isError ? { code: 'upstream_timeout', message: 'no answer' } : undefined,
    },
  };
}

function sample(seconds: number): Promise<Sample> {
  return generator.run({
    origin,
    path: '/mcp',
    headers,
    era: 'legacy',
    call: { kind: 'echo', tool: 'bench-echo' },
    // Half of what the machine can do or less: a queue at the gateway would say more about the queue than about the queries.
    connections: 4,
    rampSeconds: RAMP_SECONDS,
    seconds,
    pid: gateway.pid,
    participants: [],
  });
}

async function sampleWatched(): Promise<Sample> {
  const end = new AbortController();
  const watching = watch(end.signal);
  try {
    return await sample(SECONDS);
  } finally {
    end.abort();
    await watching;
  }
}

/** What the pages of logs and of the overview ask, again and again. */
async function watch(signal: AbortSignal): Promise<void> {
  const since = new Date(Date.now() - DAY_MS).toISOString();
  const month = new Date(Date.now() - DAYS * DAY_MS).toISOString();
  const queries = [
    '/api/mcp-logs?limit=50',
    `/api/mcp-logs?limit=50&start_time=${since}`,
    '/api/mcp-logs?limit=50&tool_names=tool-7',
    `/api/mcp-logs?limit=50&virtual_key_ids=key-13&status=error`,
    `/api/mcp-logs/stats?start_time=${since}`,
    `/api/mcp-logs/histogram?start_time=${month}`,
    `/api/mcp-logs/histogram/cost?start_time=${month}`,
    `/api/mcp-logs/histogram/top-tools?start_time=${month}`,
    '/api/mcp-logs/filterdata',
  ];
  while (!signal.aborted) {
    const began = performance.now();
    for (const query of queries) {
      if (signal.aborted) return;
      const asking = performance.now();
      read(await send(origin, 'GET', query));
      const shape = query.replace(/T[^&]*Z/, '');
      asked.set(shape, [...(asked.get(shape) ?? []), performance.now() - asking]);
    }
    await sleep(Math.max(0, EVERY_MS - (performance.now() - began)));
  }
}

function report(what: string, figure: (sample: Sample) => number, most?: number): void {
  const ratio = median(watched.map((one, round) => figure(one) / figure(alone[round] ?? one)));
  const verdict = most === undefined ? '' : `   ≤ ${most}, ${ratio <= most ? 'met' : 'MISSED'}`;
  const [without, with_] = [median(alone.map(figure)), median(watched.map(figure))].map((value) => value.toFixed(2));
  console.log(`${what.padEnd(14)} alone ${without}, with the dashboard ${with_}, ratio ${ratio.toFixed(2)}${verdict}`);
}
