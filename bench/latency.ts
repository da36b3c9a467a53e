/** `node bench/latency.ts`: how soon a server hears of a cancellation, and a client of a changed list. Through a gateway in this process. */
import { setTimeout as sleep } from 'node:timers/promises';
import { startGateway } from '../test/kit/gateway.ts';
import { connectLegacy, connectModern } from '../test/kit/sdk-clients.ts';
import { startUpstream } from '../test/kit/upstream.ts';

const ROUNDS = 50;

await using upstream = await startUpstream();
await using gateway = await startGateway();
await gateway.createClient({
  name: 'c1',
  connection_type: 'http',
  connection_string: upstream.url,
  tools_to_execute: ['*'],
});

const slow = { name: 'c1-slow', arguments: { ms: 5_000 } };
{
  await using legacy = await connectLegacy(gateway);
  await measureCancel('2025-11-25', (signal) => legacy.callTool(slow, undefined, { signal }));
  await using modern = await connectModern(gateway);
  await measureCancel('2026-07-28', (signal) => modern.callTool(slow, { signal }));
}

async function measureCancel(era: string, call: (signal: AbortSignal) => Promise<unknown>): Promise<void> {
  const times: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const { calls, cancelled } = upstream.host;
    const [before, running] = [cancelled.length, calls.length];
    const abort = new AbortController();
    const done = call(abort.signal).catch(() => undefined);
    await until(() => calls.length > running);
    await sleep(20);
    const startedAt = performance.now();
    abort.abort();
    await until(() => cancelled.length > before);
    times.push(performance.now() - startedAt);
    await done;
  }
  print(`cancellation, client of ${era}`, times);
}

{
  await using client = await connectLegacy(gateway);
  let notices = 0;
  client.setNotificationHandler(
    (await import('@modelcontextprotocol/sdk/types.js')).ToolListChangedNotificationSchema,
    () => void (notices += 1),
  );
  await client.listTools();
  await sleep(500);
  const times: number[] = [];
  for (let round = 0; round < 10; round += 1) {
    await sleep(1_100);
    const before = notices;
    const startedAt = performance.now();
    await upstream.addTool(`later_${round}`);
    await until(() => notices > before);
    times.push(performance.now() - startedAt);
  }
  print('changed list, client of 2025-11-25', times);
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + 10_000;
  while (!condition()) {
    if (performance.now() > deadline) throw new Error('nothing happened within 10 s');
    await sleep(1);
  }
}

function print(what: string, times: number[]): void {
  const sorted = times.toSorted((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor((sorted.length - 1) * share)] ?? 0).toFixed(1);
  console.log(`${what.padEnd(40)} ${sorted.length} times: median ${at(0.5)} ms, p99 ${at(0.99)} ms`);
}
