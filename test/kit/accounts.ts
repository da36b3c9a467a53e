import { expect } from 'vitest';
import type { GatewayAccess } from './gateway.ts';
import { getKey, type TestKey } from './keys.ts';
import { readLogs, type LogRow } from './logs.ts';
import { NODE_COUNT } from './node-count.ts';
import { waitForAll } from './wait.ts';

/** USD for a call of echo in scenarios about money. */
export const PRICE = 0.01;

/** What is charged to a key: whole nano-dollars, since sums of USD are not exact. */
export async function usedNanos(gateway: GatewayAccess, key: Pick<TestKey, 'id'>): Promise<number> {
  const { budgets } = await getKey(gateway, key);
  return toNanos(budgets[0]?.current_usage ?? 0);
}

/** USD as whole nano-dollars. */
export function toNanos(usd: number): number {
  return Math.round(usd * 1e9);
}

/** What a row says was called. */
export function textIn({ arguments: input }: LogRow): string {
  return (input as { text: string }).text;
}

/**
 * Reads all rows of a key, and expects the accounts to agree with them: the sum of the log, its rows, and what is used of the
 * key's first budget and of its limit on requests.
 */
export async function expectBalanced(gateway: GatewayAccess, key: TestKey): Promise<readonly LogRow[]> {
  const { logs, stats, pagination } = await readLogs(gateway, { virtual_key_ids: key.id, limit: '1000' });
  expect(pagination.total_count).toBe(logs.length);
  const paid = logs.filter(({ status }) => status === 'success');
  const sum = logs.reduce((total, { cost = 0 }) => total + toNanos(cost), 0);
  expect(sum).toBe(paid.length * toNanos(PRICE));
  expect(toNanos(stats.total_cost)).toBe(sum);
  // What other nodes were charged is known a moment later.
  if (NODE_COUNT > 1) await waitForAll(async () => (await usedNanos(gateway, key)) === sum, 'all to know what is used');
  expect(await usedNanos(gateway, key)).toBe(sum);
  expect((await getKey(gateway, key)).rate_limit?.request_current_usage).toBe(paid.length);
  return logs;
}
