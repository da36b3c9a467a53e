import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import type { GatewayOptions } from '../../src/app.ts';
import { expectBalanced, PRICE, textIn } from '../kit/accounts.ts';
import { runCallers, SAME_REQUEST_ID, successesOf, type Outcome } from '../kit/callers.ts';
import { startChildGateway, type ChildGateway } from '../kit/child-gateway.ts';
import { DATABASES } from '../kit/databases.ts';
import { httpClient, startGateway, type GatewayAccess } from '../kit/gateway.ts';
import { createKey, freshDatabase, type TestKey } from '../kit/keys.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { startUpstream, type Upstream } from '../kit/upstream.ts';

const CALLERS = 64;
const ROOM = 100;

/** Registers the server with a price for echo, and makes a key with room for so many calls. */
async function prepare(gateway: GatewayAccess, upstream: Upstream): Promise<TestKey> {
  await gateway.createClient(httpClient(upstream.url, { tool_pricing: { echo: PRICE } }));
  return createKey(gateway, 'k1', {
    mcp_configs: [{ mcp_client_name: 'c1', tools_to_execute: ['*'] }],
    budgets: [{ max_limit: ROOM * PRICE, reset_duration: '1d' }],
    rate_limit: { request_max_limit: 10_000, request_reset_duration: '1d' },
  });
}

describe.each(DATABASES)('64 callers at once on %s', (database) => {
  test('spend what the budget has room for, and every call has one row', async () => {
    await using upstream = await startUpstream({ answersJson: true });
    await using gateway = await startGateway(await freshDatabase(database));
    const key = await prepare(gateway, upstream);
    const calls = 3 * CALLERS;
    const outcomes = await runCallers({ gateway, key, callers: CALLERS, calls, prefix: 'a' });

    const paid = successesOf(outcomes);
    expect(outcomes).toHaveLength(calls);
    expect(paid.length).toBeGreaterThanOrEqual(ROOM);
    expect(paid.length).toBeLessThanOrEqual(ROOM + 1);
    expect(upstream.countCalls('echo')).toBe(paid.length);
    const refused = outcomes.filter(({ code }) => code !== 'ok');
    for (const { code, status, text } of refused) {
      expect(code).toBe('budget_exceeded');
      // Over /mcp a refusal is a JSON-RPC error; every second call went there.
      if (Number(text.slice(1)) % 2 === 1) expect(status).toBe(402);
    }
    const logs = await expectBalanced(gateway, key);
    expect(logs.map(textIn).toSorted()).toEqual(outcomes.map(({ text }) => text).toSorted());
    expect(new Set(logs.map(({ id }) => id)).size).toBe(calls);
    const byText = new Map(logs.map((row) => [textIn(row), row]));
    for (const { text, code } of outcomes) {
      const row = byText.get(text);
      expect(row).toMatchObject({ request_id: SAME_REQUEST_ID, status: code === 'ok' ? 'success' : 'error' });
      if (code !== 'ok') expect(row).toMatchObject({ cost: 0, error_details: { type: code, status_code: 402 } });
    }
  });

  test('lose no more than the last second when the gateway is killed', async () => {
    await using lives = await startLives(database);
    const { first, key } = lives;
    const early = await runCallers({ gateway: first, key, callers: CALLERS, calls: 30, prefix: 'early' });
    await sleep(1_100); // what comes now may be lost, what was before may not
    const { outcomes: late, endedAt } = await callUntil(first, key, () => first.kill());
    const second = await lives.restart();

    const stored = new Map((await expectBalanced(second, key)).map((row) => [textIn(row), row]));
    const missing = successesOf([...early, ...late]).filter(({ text }) => stored.get(text)?.status !== 'success');
    for (const { answeredAt } of missing) expect(answeredAt).toBeGreaterThan(endedAt - 1_000);
    expect(early.filter(({ text }) => stored.get(text)?.status !== 'success')).toEqual([]);

    const after = await runCallers({ gateway: second, key, callers: CALLERS, calls: 2 * ROOM, prefix: 'after' });
    const successes = successesOf([...early, ...late, ...after]).length;
    expect(successes).toBeLessThanOrEqual(ROOM + 1 + missing.length);
    expect(after.at(-1)?.code).toBe('budget_exceeded');
    await expectBalanced(second, key);
  });

  test('lose nothing when the gateway is asked to end', async () => {
    await using lives = await startLives(database);
    const { first, key } = lives;
    const { outcomes } = await callUntil(first, key, () => first.stop());
    const second = await lives.restart();

    const stored = new Map((await expectBalanced(second, key)).map((row) => [textIn(row), row]));
    for (const { text } of successesOf(outcomes)) expect(stored.get(text)).toMatchObject({ status: 'success' });
    expect([...stored.values()].filter(({ status }) => status === 'processing')).toEqual([]);
    const after = await runCallers({ gateway: second, key, callers: CALLERS, calls: 2 * ROOM, prefix: 'after' });
    expect(successesOf([...outcomes, ...after]).length).toBeLessThanOrEqual(ROOM + 1);
    const logs = await expectBalanced(second, key);
    expect(logs.filter(({ status }) => status === 'success').length).toBeGreaterThanOrEqual(ROOM);
  });
});

/** Lets all callers call, and ends the gateway in the middle of it. Gives what was answered, and when the end began. */
async function callUntil(gateway: ChildGateway, key: TestKey, end: () => Promise<void>) {
  const outcomes: Outcome[] = [];
  let endedAt = 0;
  let ended: Promise<void> | undefined;
  await runCallers({
    gateway,
    key,
    callers: CALLERS,
    calls: 100_000,
    prefix: 'late',
    onOutcome(outcome) {
      outcomes.push(outcome);
      if (outcomes.length < 20 || ended !== undefined) return;
      endedAt = Date.now();
      ended = end();
    },
  });
  await ended;
  return { outcomes, endedAt };
}

/** A gateway in a process of its own, which can be started again on what it has stored. */
async function startLives(database: (typeof DATABASES)[number]) {
  const stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryFolder());
  const upstream = stack.use(await startUpstream({ answersJson: true }));
  const options: GatewayOptions = { ...(await freshDatabase(database)), appDir: folder.path };
  const first = stack.use(await startChildGateway(options));
  const key = await prepare(first, upstream);
  return {
    first,
    key,
    async restart() {
      const second = stack.use(await startGateway({ ...options, apiKey: first.apiKey }));
      await second.ready;
      return second;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}
