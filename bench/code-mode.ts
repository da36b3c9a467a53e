/**
 * `node bench/code-mode.ts [rounds] [runs at once]`: what code mode costs others, and what it saves its callers. First `/mcp` with and without code that tries
 * everything to do harm running beside it; rounds with and without alternate, so that both see the same machine. Then one task over
 * three servers, by code and call by call.
 */
import { fileURLToPath } from 'node:url';
import { DEFAULT_SETTINGS } from '../src/contract/client-settings.ts';
import { ESCAPES } from '../test/kit/escapes.ts';
import { createCaller, read, send } from './accounts.ts';
import { createAppDir, demandBuild, startAsbru, waitUntilConnected } from './asbru.ts';
import { compareTask } from './code-mode-task.ts';
import type { Sample } from './load.ts';
import { readMemory } from './proc.ts';
import { startGenerator, startServer } from './processes.ts';
import { median } from './statistics.ts';
import { asHttpClient } from './targets.ts';

const [ROUNDS, SECONDS, RAMP_SECONDS] = [Number(process.argv[2] ?? 8), 4, 0.5];
/** How many runs there may be at once. */
const PLACES = Number(process.argv[3] ?? DEFAULT_SETTINGS.mcp_code_mode_max_runs);
const MOST = 1.1;

demandBuild();
await using upstream = await startServer({ script: fileURLToPath(new URL('targets/upstream.ts', import.meta.url)) });
await using appDir = await createAppDir([
  asHttpClient('bench', `${upstream.origin}/mcp`),
  asHttpClient('c1', `${upstream.origin}/mcp`),
]);
await using gateway = await startAsbru(appDir);
const { origin } = gateway;
await waitUntilConnected(origin, 2);
const { headers } = await createCaller(origin, 'bench');
await setUp();
await using generator = startGenerator();

await sample();
const resting = memory();
const [alone, beside]: [Sample[], Sample[]] = [[], []];
let runs = 0;
for (let round = 0; round < ROUNDS; round += 1) {
  // Neither is always the first, for a machine may be busier and busier.
  for (const isBeside of round % 2 === 0 ? [false, true] : [true, false])
    (isBeside ? beside : alone).push(await (isBeside ? sampleBeside() : sample()));
}
console.log(`${runs} runs of hostile code ended beside ${ROUNDS} rounds of ${SECONDS} s`);
report('p50 ms', (one) => one.p50);
report('p99 ms', (one) => one.p99, MOST);
report('calls/s', (one) => one.callsPerSecond);
console.log(`memory         before ${resting}, after ${memory()} MB`);
await compareTask();

async function setUp(): Promise<void> {
  const clients = read(await send(origin, 'GET', '/api/mcp/clients')) as {
    clients: { config: { name: string; client_id: string } }[];
  };
  const id = clients.clients.find(({ config }) => config.name === 'c1')?.config.client_id;
  read(await send(origin, 'PUT', `/api/mcp/client/${id}`, { is_code_mode_client: true, tools_to_auto_execute: ['*'] }));
  read(
    await send(origin, 'PUT', '/api/config', {
      client_config: { mcp_code_mode_timeout: 5, mcp_code_mode_max_runs: PLACES },
    }),
  );
}

function sample(): Promise<Sample> {
  return generator.run({
    ...{ origin, path: '/mcp', headers, era: 'legacy', call: { kind: 'echo', tool: 'bench-echo' } },
    // Half of what the machine can do or less: a queue at the gateway would say more about the queue than about code.
    connections: 4,
    rampSeconds: RAMP_SECONDS,
    seconds: SECONDS,
    pid: gateway.pid,
    participants: [],
  });
}

/** The same while as many runs as there are places, and some that wait, do what harm they can. */
async function sampleBeside(): Promise<Sample> {
  const over = new AbortController();
  let next = 0;
  const attack = async (): Promise<void> => {
    while (!over.signal.aborted) {
      const { code } = ESCAPES[next++ % ESCAPES.length]!;
      const call = {
        id: 'x',
        type: 'function',
        function: { name: 'executeToolCode', arguments: JSON.stringify({ code }) },
      };
      await send(origin, 'POST', '/v1/mcp/tool/execute', call);
      runs += 1;
    }
  };
  const attacks = Array.from({ length: 6 }, attack);
  try {
    return await sample();
  } finally {
    over.abort();
    await Promise.all(attacks);
  }
}

function memory(): number {
  return Math.round(readMemory(gateway.pid).rss);
}

function report(what: string, figure: (sample: Sample) => number, most?: number): void {
  const ratio = median(beside.map((one, round) => figure(one) / figure(alone[round] ?? one)));
  const verdict = most === undefined ? '' : `   ≤ ${most}, ${ratio <= most ? 'met' : 'MISSED'}`;
  const [without, with_] = [median(alone.map(figure)), median(beside.map(figure))].map((value) => value.toFixed(2));
  console.log(`${what.padEnd(14)} alone ${without}, beside hostile code ${with_}, ratio ${ratio.toFixed(2)}${verdict}`);
}
