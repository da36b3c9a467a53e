import { setTimeout as sleep } from 'node:timers/promises';
import type { GatewayAccess } from '../kit/gateway.ts';

/** Changes of the configuration that go on while the database has a fault. */
export interface Writes {
  stop(): Promise<void>;
  /** What is wrong with the answers. */
  complaints(): string[];
  /** How many were done and how many refused. */
  readonly remark: string;
}

const PAUSE_MS = 150;

/** Changes the price of a tool again and again. Each change must be done, or be refused with a 503 that speaks of the database. */
export function startWrites(gateway: GatewayAccess, client: string): Writes {
  const over = new AbortController();
  const wrong: string[] = [];
  let done = 0;
  let refused = 0;
  let longest = 0;

  async function write(): Promise<void> {
    const began = performance.now();
    const { status, body } = await gateway.update(client, { tool_pricing: { echo: done + refused } });
    longest = Math.max(longest, performance.now() - began);
    const { code, message } = (body['error'] ?? {}) as { code?: string; message?: string };
    if (status === 200) done += 1;
    else if (status === 503 && code === 'database_unavailable' && message?.includes('database') === true) refused += 1;
    else wrong.push(`a write was answered ${status} ${JSON.stringify(body).slice(0, 300)}`);
  }

  const writing = (async () => {
    while (!over.signal.aborted) {
      await write();
      await sleep(PAUSE_MS);
    }
  })();
  return {
    async stop() {
      over.abort();
      await writing;
      // Now the database is there again.
      const before = done;
      await write();
      if (done === before) wrong.push('a write is still refused after the fault');
    },
    complaints: () => [...new Set(wrong)].slice(0, 3),
    get remark() {
      return `${done} writes done, ${refused} refused with 503, the longest after ${(longest / 1000).toFixed(1)} s`;
    },
  };
}
