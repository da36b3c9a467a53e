/** The load generator: its own process, which runs the jobs that its parent sends and reports one sample for each. */
import { availableParallelism } from 'node:os';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import type { CallKind, Era } from './calls.ts';
import { createCall } from './calls.ts';
import type { Call, Endpoint } from './exchange.ts';
import { CLIENT_HEADERS, closeSession, openSession, post } from './exchange.ts';
import { readCpuMicros, readMachineMicros } from './proc.ts';
import { median, quantile } from './statistics.ts';

/** One round against one target. */
export interface Job {
  origin: string;
  path: string;
  headers: Record<string, string>;
  era: Era;
  call: CallKind;
  connections: number;
  /** Time before the measurement, in which connections open and the target gets warm. */
  rampSeconds: number;
  seconds: number;
  /** The process whose CPU time is counted. */
  pid: number;
  /** All processes that take part; CPU time of any other is noise. */
  participants: number[];
}

/** What one round showed. */
export interface Sample {
  calls: number;
  callsPerSecond: number;
  p50: number;
  p99: number;
  /** Time to the first byte of the body, the median in ms. */
  firstByte: number;
  cpuMicros: number;
  /** How late this process's own timers were, in ms. */
  lag: number;
  /** Share of the whole machine that processes outside the bench took. */
  foreignCpu: number;
}

/** What the generator sends to its parent for each job. */
export type LoadReply = { sample: Sample } | { failure: string };

const LAG_RESOLUTION_MS = 10;

// All ids have the same width, which lets answers be compared byte for byte.
let nextId = 1_000_000_000;

process.on('message', (job: Job) => {
  run(job).then(
    (sample) => process.send?.({ sample } satisfies LoadReply),
    (error: unknown) =>
      process.send?.({ failure: error instanceof Error ? error.message : String(error) } satisfies LoadReply),
  );
});
process.on('disconnect', () => process.exit(0));

async function run(job: Job): Promise<Sample> {
  const pool = new Pool(job.origin, { connections: job.connections, headersTimeout: 10_000, bodyTimeout: 10_000 });
  const call = createCall(job.call, job.era);
  const endpoint = { pool, path: job.path, headers: { ...CLIENT_HEADERS, ...job.headers, ...call.headers } };
  try {
    const clients = await Promise.all(
      Array.from({ length: job.connections }, async () => (job.era === 'legacy' ? openSession(endpoint) : endpoint)),
    );
    const sample = await measure(job, call, clients);
    if (job.era === 'legacy') await Promise.all(clients.map(closeSession));
    return sample;
  } finally {
    await pool.destroy();
  }
}

async function measure(job: Job, call: Call, clients: Endpoint[]): Promise<Sample> {
  const state = { isMeasuring: false, isStopped: false, latencies: [] as number[], firstBytes: [] as number[] };
  const work = Promise.all(clients.map((client) => repeat(client, call, state)));
  // A failed call must end the round at once, not after its time.
  await Promise.race([work, sleep(job.rampSeconds * 1000)]);

  const delay = monitorEventLoopDelay({ resolution: LAG_RESOLUTION_MS });
  delay.enable();
  const before = readClocks(job);
  state.isMeasuring = true;
  await Promise.race([work, sleep(job.seconds * 1000)]);
  state.isMeasuring = false;
  const after = readClocks(job);
  delay.disable();
  state.isStopped = true;
  await work;

  const sorted = Float64Array.from(state.latencies).toSorted();
  const calls = sorted.length;
  if (calls === 0) throw new Error(`no call ended within ${job.seconds} s`);
  const elapsed = after.now - before.now;
  const foreign = after.machine - before.machine - (after.participants - before.participants);
  return {
    calls,
    callsPerSecond: (calls / elapsed) * 1000,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    firstByte: median(state.firstBytes),
    cpuMicros: (after.target - before.target) / calls,
    lag: Math.max(0, delay.percentile(99) / 1e6 - LAG_RESOLUTION_MS),
    foreignCpu: Math.max(0, foreign / (elapsed * 1000 * availableParallelism())),
  };
}

async function repeat(
  client: Endpoint,
  call: Call,
  state: { isMeasuring: boolean; isStopped: boolean; latencies: number[]; firstBytes: number[] },
): Promise<void> {
  while (!state.isStopped) {
    const id = nextId++;
    const start = performance.now();
    const reply = await post(client, call.write(id));
    const took = performance.now() - start;
    call.check(id, reply);
    if (!state.isMeasuring) continue;
    state.latencies.push(took);
    state.firstBytes.push(reply.firstAt - start);
  }
}

function readClocks(job: Job): { now: number; target: number; machine: number; participants: number } {
  const participants = job.participants.reduce((sum, pid) => sum + readCpuMicros(pid), 0);
  return { now: performance.now(), target: readCpuMicros(job.pid), machine: readMachineMicros(), participants };
}
