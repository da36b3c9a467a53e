import { join } from 'node:path';
import { timeUuid } from '../../src/lib/time-uuid.ts';
import type { CallStart, LlmStart } from '../../src/store/ledger-rows.ts';
import type { CompletedCall } from '../../src/store/ledger/batch.ts';
import type { CompletedRequest } from '../../src/store/ledger/llm/batch.ts';
import { openLedgerStore } from '../../src/store/ledger/open-ledger-store.ts';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const USD = 1e9;

/** What is called, how often and how fast; a server that was out of order for two hours is among them. */
const CALLED = [
  { server: 'tracker', tool: 'echo', share: 5, ms: 40, cost: 0.01 },
  { server: 'tracker', tool: 'whoami', share: 2, ms: 15, cost: 0 },
  { server: 'files', tool: 'add', share: 3, ms: 90, cost: 0.005 },
  { server: 'billing', tool: 'greet', share: 2, ms: 220, cost: 0.05 },
] as const;

const MODELS = [
  { provider: 'openai', model: 'gpt-5-mini', share: 3, ms: 1_400, perToken: 900 },
  { provider: 'anthropic', model: 'claude-sonnet-4-5', share: 2, ms: 2_600, perToken: 6_000 },
] as const;

const NOBODY = {
  ...{ virtual_key_id: undefined, virtual_key_name: undefined, team_id: undefined, team_name: undefined },
  ...{ customer_id: undefined, customer_name: undefined, user_agent: undefined, request_id: undefined },
  metadata: undefined,
};

/** Writes a day of calls into the logs of a gateway that has not started yet, so that plots have something to show. */
export async function writeHistory(appDir: string): Promise<void> {
  const store = await openLedgerStore({ type: 'sqlite', path: join(appDir, 'logs.db') });
  const now = Date.now();
  const moments = Array.from({ length: 24 * 12 - 1 }, (_, slot) => now - 24 * HOUR + slot * 5 * MINUTE);
  const completed = moments.flatMap((at, slot) => callsAt(at, slot));
  const requests = moments.flatMap((at, slot) => (slot % 2 === 0 ? requestsAt(at, slot) : []));
  const llm = { started: [], ended: [], completed: requests };
  await store.write({ node: 'history', seq: 1, started: [], ended: [], completed, charges: [], llm });
  await store.close();
}

function callsAt(at: number, slot: number): CompletedCall[] {
  return CALLED.flatMap(({ server, tool, share, ms, cost }, which) => {
    const count = Math.round(share * busyness(at) + wave(slot, which));
    return Array.from({ length: Math.max(0, count) }, (_, nth) => {
      const isError = server === 'billing' ? slot > 150 && slot < 175 : (slot * 7 + nth * 3 + which) % 41 === 0;
      const start = { ...startAt(at + nth * 17_000), tool_name: tool, server_label: server, client_id: server };
      const latency = ms * (1 + 0.6 * wave(slot + nth, which) ** 2) + (isError ? 900 : 0);
      const error = isError ? { code: 'upstream_timeout', message: 'the server did not answer in time' } : undefined;
      const end = { latency, cost: isError ? 0 : cost * USD, result: undefined, error };
      return { start, end: { ...end, status: isError ? 'error' : 'success' } } as const;
    });
  });
}

function startAt(timestamp: number): Omit<CallStart, 'tool_name' | 'server_label' | 'client_id'> {
  const caller = { ...NOBODY, principal: 'api-key:1', source: 'mcp' as const, app: 'claude-code' };
  return { ...caller, id: timeUuid(timestamp), timestamp, llm_request_id: undefined, arguments: undefined };
}

function requestsAt(at: number, slot: number): CompletedRequest[] {
  return MODELS.flatMap(({ provider, model, share, ms, perToken }, which) =>
    Array.from({ length: Math.max(0, Math.round((share * busyness(at)) / 2 + wave(slot, which))) }, (_, nth) => {
      const prompt_tokens = 900 + ((slot * 37 + nth * 211) % 2_400);
      const completion_tokens = 120 + ((slot * 13 + nth * 97) % 500);
      const usage = { prompt_tokens, completion_tokens, total_tokens: prompt_tokens + completion_tokens };
      const details = { cached_read_tokens: 0, cached_write_tokens: 0, reasoning_tokens: 0, is_estimate: false };
      const latency = ms * (1 + 0.4 * wave(slot + nth, which));
      return {
        start: { ...requestAt(at + nth * 23_000), provider, model },
        end: {
          ...{ status: 'success', latency, first_byte: latency / 5, usage: { ...usage, ...details } },
          ...{ cost: Math.round(usage.total_tokens * perToken), stop_reason: 'stop', output: undefined },
          ...{ error: undefined, number_of_retries: 0, selected_key_id: undefined, selected_key_name: undefined },
        },
      } as const;
    }),
  );
}

function requestAt(timestamp: number): Omit<LlmStart, 'provider' | 'model'> {
  return {
    ...NOBODY,
    ...{ id: timeUuid(timestamp), timestamp, parent_request_id: undefined, fallback_index: 0 },
    ...{ object: 'chat_completion', alias: undefined, stream: true, principal: 'api-key:1' },
    ...{ input: undefined, params: undefined, tools: undefined },
  };
}

/** Quiet at night, busy by day: between 0.1 and 1. */
function busyness(at: number): number {
  return 0.55 - 0.45 * Math.cos(((at % (24 * HOUR)) / (24 * HOUR)) * 2 * Math.PI);
}

/** Ups and downs between -1 and 1 that are the same each time. */
function wave(slot: number, which: number): number {
  return Math.sin(slot * 0.9 + which * 2) * Math.cos(slot * 0.37 + which);
}
