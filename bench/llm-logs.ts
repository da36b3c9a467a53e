import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import type { LedgerStore } from '../src/store/ledger/ledger-store.ts';
import type { LlmFilter } from '../src/store/ledger/llm/filter.ts';
import type { LlmPageRequest } from '../src/store/ledger/llm/read.ts';
import { openLedgerStore } from '../src/store/ledger/open-ledger-store.ts';
import { createLedger, type Ledger } from '../src/telemetry/ledger.ts';
import { llmEnd, llmStart, tokenUsage } from '../test/kit/call.ts';

// Fills a ledger with requests to models of 30 days and measures what the dashboard asks: node bench/llm-logs.ts [rows]

const ROWS = Number(process.argv[2] ?? 1_000_000);
const DAY = 86_400_000;
const NOW = Date.now();
const BEGIN = NOW - 30 * DAY;
const PAGE: LlmPageRequest = { limit: 50, offset: 0, sort_by: 'timestamp', order: 'desc', preview: 1000 };
const LIMIT_MS = 100;

const folder = await mkdtemp(join(tmpdir(), 'asbru-llm-logs-'));
try {
  const store = await openLedgerStore({ type: 'sqlite', path: join(folder, 'logs.db') });
  await fill(store);
  await measure(store);
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
  console.log(`${ROWS} rows in ${seconds.toFixed(1)} s, ${Math.round(ROWS / seconds)}/s`);
}

function take(ledger: Ledger, index: number, timestamp: number): void {
  const [model, key] = [(index * 7919) % 12, (index * 104_729) % 50];
  const isError = index % 50 === 0;
  const entry = ledger.beginLlm(
    llmStart({
      ...{ id: crypto.randomUUID(), timestamp, provider: `provider-${model % 4}`, model: `model-${model}` },
      ...{ virtual_key_id: `key-${key}`, virtual_key_name: `Key ${key}`, team_id: `team-${key % 5}` },
      input: JSON.stringify([{ role: 'user', content: `question ${index} `.repeat(10) }]),
    }),
  );
  entry.end(
    llmEnd({
      ...{
        status: isError ? 'error' : 'success',
        latency: 300 + (index % 5000),
        cost: isError ? undefined : 2_000_000,
      },
      usage: isError ? undefined : tokenUsage({ cached_read_tokens: 50 }),
      output: JSON.stringify({ role: 'assistant', content: `answer ${index} `.repeat(20) }),
    }),
  );
}

async function measure(store: LedgerStore): Promise<void> {
  const day: LlmFilter = { from: NOW - DAY + 12_345, to: NOW };
  const month: LlmFilter = { from: BEGIN, to: NOW };
  const list = (filter: LlmFilter, more: Partial<LlmPageRequest> = {}) => store.listLlm(filter, { ...PAGE, ...more });
  await timed('first query (starts the thread)', () => store.spanLlm(), Infinity);
  await timed('page, no filter', () => list({}));
  await timed('page of 24 h', () => list(day));
  await timed('page by model', () => list({ models: ['model-7'] }));
  await timed('page by 2 models', () => list({ models: ['model-7', 'model-8'] }));
  await timed('page by key', () => list({ virtual_key_ids: ['key-7'] }));
  await timed('page by team', () => list({ team_ids: ['team-3'] }));
  await timed('page of errors', () => list({ status: ['error'] }));
  await timed('page without cost', () => list({ ...day, is_cost_missing: true }));
  await timed('statistics of 24 h', () => store.totalLlm(day));
  await timed('histogram of 24 h', () => store.sumsLlm(day, { bucket: 3_600_000 }));
  await timed('cost by model of 24 h', () => store.sumsLlm(day, { bucket: 3_600_000, byModel: true }));
  await timed('cost by model of 30 days', () => store.sumsLlm(month, { bucket: 3 * DAY, byModel: true }));
  await timed('latencies of 24 h', () => store.latenciesLlm(day, 3_600_000));
  await timed('latencies of 30 days', () => store.latenciesLlm(month, 3 * DAY));
  await timed('what can be filtered by', () => store.filterValuesLlm());
}

async function timed(name: string, run: () => Promise<unknown>, limit = LIMIT_MS): Promise<void> {
  const times: number[] = [];
  for (let count = 0; count < 5; count += 1) {
    const began = performance.now();
    await run();
    times.push(performance.now() - began);
  }
  const median = times.toSorted((a, b) => a - b)[2] ?? 0;
  console.log(`${name.padEnd(36)}${median.toFixed(1).padStart(8)} ms${median > limit ? '  too slow' : ''}`);
  if (median > limit) process.exitCode = 1;
}
