import { quantile } from '../../bench/statistics.ts';
import { waitFor } from '../kit/wait.ts';
import type { Sample } from './bystander.ts';
import { createTally, REASONS, startCalls, tryCall, type Reason, type Tally, type Target } from './calls.ts';
import { complaints, readReturned, readSettled, watchMemory, type Footprint } from './footprint.ts';
import { PACE } from './pace.ts';
import { OTHER_TOOLS, type Stage } from './stage.ts';

/** The time limit of most calls to what does not behave. */
export const LIMIT_S = 1;
/** That of calls which nothing should delay, and which may take as long as a busy machine does. */
export const NO_HURRY_S = 20;

/** Something that goes wrong, and what may be lost by it. */
export interface Fault {
  readonly name: string;
  /** What the calls of the row go to. */
  readonly target: Target;
  /** How long a call may take, in seconds. */
  readonly limitS: number;
  readonly callers?: number;
  readonly pauseMs?: number;
  /** The argument of every call that the server ran, or may have run. */
  readonly ran: () => readonly string[];
  /** Why calls may be lost here; a call that is lost for another reason is not explained. */
  readonly allows: readonly Reason[];
  /** What is lost by the fault's own doing goes into the tally too. */
  begin(tally: Tally): Promise<void> | void;
  end(): Promise<void> | void;
  /** Anything else that must hold in the end; each string is something that does not. */
  check?(tally: Tally): Promise<readonly string[]> | readonly string[];
  /** A remark for the table. */
  readonly remark?: () => string;
}

/** Median and 99th percentile of the time that calls took, in ms. */
export interface Latency {
  readonly p50: number;
  readonly p99: number;
}

/** A line of the table. */
export interface Row {
  readonly name: string;
  readonly limitS: number;
  readonly tally: Tally;
  readonly twice: number;
  /** Calls to other servers, without the fault and with it. */
  readonly quiet: Latency;
  readonly troubled: Latency;
  readonly before: Footprint;
  readonly peakMb: number;
  readonly after: Footprint;
  /** Until a call succeeds after the fault, in ms. */
  readonly backMs: number;
  readonly remark: string;
  /** What did not hold. */
  readonly wrong: readonly string[];
}

const CALLERS = 6;
const PAUSE_MS = 25;

/** Lets the fault come and go, several times, and looks at everybody. */
export async function runFault(stage: Stage, fault: Fault): Promise<Row> {
  const { patient, others, key } = stage;
  const job = (ms: number) => ({ endpoint: { address: key.address, apiKey: key.apiKey }, tools: OTHER_TOOLS, ms });
  const tally = createTally();
  await waitFor(() => tryCall(fault.target), `${fault.name}: a first call`);
  const before = await readSettled(patient);
  const memory = watchMemory(patient.pid);
  const calls = startCalls(tally, fault.target, {
    callers: fault.callers ?? CALLERS,
    pauseMs: fault.pauseMs ?? PAUSE_MS,
  });
  const quiet: Sample[] = [];
  const troubled: Sample[] = [];
  let backMs = 0;
  try {
    if (PACE.warmUpMs > 0) await others.measure(job(PACE.warmUpMs));
    for (let round = 0; round < PACE.rounds; round += 1) {
      quiet.push(await others.measure(job(PACE.quietMs)));
      await fault.begin(tally);
      troubled.push(await others.measure(job(PACE.troubleMs)));
      await fault.end();
      backMs = Math.max(backMs, await untilBack(fault));
    }
  } finally {
    await calls.stop();
  }
  const peakMb = memory.stop();
  const after = await readReturned(patient, before);
  const ran = fault.ran();
  const twice = ran.length - new Set(ran).size;
  const wrong = [
    ...tally.unexplained.slice(0, 3),
    ...judgeLosses(fault, tally, ran),
    ...judgeOthers([...quiet, ...troubled]),
    ...(twice > 0 ? [`${twice} calls ran twice`] : []),
    ...complaints(before, after),
    ...((await fault.check?.(tally)) ?? []),
  ];
  const remark = fault.remark?.() ?? '';
  return {
    ...{ name: fault.name, limitS: fault.limitS, tally, twice, before, peakMb, after, backMs, remark, wrong },
    quiet: latencyOf(quiet),
    troubled: latencyOf(troubled),
  };
}

async function untilBack({ name, target }: Fault): Promise<number> {
  const began = performance.now();
  await waitFor(() => tryCall(target), `${name}: a call that succeeds again`, 40_000);
  return performance.now() - began;
}

/** A reason that says nothing ran is checked against what ran. */
function judgeLosses({ allows }: Fault, { lost }: Tally, ran: readonly string[]): string[] {
  const seen = new Set(ran);
  return [...lost].flatMap(([reason, ids]) => {
    if (!allows.includes(reason)) return [`${ids.length} lost without an explanation: ${reason}`];
    const liars = REASONS[reason].ran === 'no' ? ids.filter((id) => seen.has(id)) : [];
    return liars.length === 0 ? [] : [`${liars.length} ran although it was said that they did not (${reason})`];
  });
}

function judgeOthers(samples: readonly Sample[]): string[] {
  const failed = samples.flatMap((sample) => sample.failed);
  const twice = samples.reduce((sum, sample) => sum + sample.twice, 0);
  return [
    ...(failed.length > 0 ? [`${failed.length} calls to other servers failed: ${failed[0]}`] : []),
    ...(twice > 0 ? [`${twice} calls to other servers ran twice`] : []),
  ];
}

function latencyOf(samples: readonly Sample[]): Latency {
  const sorted = Float64Array.from(samples.flatMap(({ latencies }) => latencies)).toSorted();
  return { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) };
}

/** Why calls were lost, with their number: "3: …". */
export function explain({ lost }: Tally): string {
  return [...lost].map(([reason, ids]) => `${ids.length}: ${REASONS[reason].words}`).join('; ');
}
