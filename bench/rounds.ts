import { existsSync, readFileSync } from 'node:fs';
import type { Sample } from './load.ts';
import type { Options } from './options.ts';
import type { Generator } from './processes.ts';
import { median } from './statistics.ts';
import type { Target, TargetName } from './targets.ts';

/** One sample of every target, taken one after the other. */
export type Round = Map<TargetName, Sample>;

/** The rounds that count, and why others do not. */
export interface JudgedRounds {
  readonly used: Round[];
  readonly remarks: string[];
}

const WARM_UP_SECONDS = 1.5;
const RAMP_SECONDS = 0.25;
const FEWEST_ROUNDS = 3;
/** These tell how fast the machine was; without them any target must. */
const REFERENCES: TargetName[] = ['direct', 'chat-model'];

/** Above any of these a round says more about the machine than about the targets. */
const NOISE = { deviation: 0.35, lagMs: 30, foreignCpu: 0.15 };

/** Warms up every target, then measures all of them in turn, round by round. */
export async function runRounds(
  generator: Generator,
  targets: Target[],
  pids: number[],
  options: Options,
): Promise<Round[]> {
  const participants = [process.pid, generator.pid, ...pids, ...pids.flatMap(listChildren)];
  const sample = ({ job, server }: Target, seconds: number) =>
    generator.run({
      ...job,
      connections: options.connections,
      rampSeconds: RAMP_SECONDS,
      seconds,
      pid: server.pid,
      participants,
    });

  if (targets.length === 0) return [];
  for (const target of targets) await sample(target, WARM_UP_SECONDS);
  const rounds: Round[] = [];
  for (let index = 0; index < options.rounds; index++) {
    const round: Round = new Map();
    // In another order each time: whoever follows a greedy target would always find the machine in its worst state.
    for (const target of shuffle(targets)) round.set(target.name, await sample(target, options.seconds));
    rounds.push(round);
    const speeds = [...round].map(([name, { callsPerSecond }]) => `${name} ${Math.round(callsPerSecond)}`);
    console.log(`round ${index + 1} of ${options.rounds}, calls/s: ${speeds.join(', ')}`);
  }
  return rounds;
}

/** Leaves out the rounds in which the machine was too noisy, as long as enough remain. */
export function judgeRounds(rounds: Round[]): JudgedRounds {
  const [first] = rounds;
  const reference = REFERENCES.find((name) => first?.has(name)) ?? [...(first?.keys() ?? [])][0];
  const speedOf = (round: Round) =>
    reference === undefined ? Number.NaN : (round.get(reference)?.callsPerSecond ?? Number.NaN);
  const usual = median(rounds.map(speedOf));
  const noises = rounds.map((round) => findNoise(round, speedOf(round) / usual - 1, reference ?? ''));

  const quiet = rounds.filter((_, index) => noises[index]?.length === 0);
  const isEnough = quiet.length >= Math.min(FEWEST_ROUNDS, rounds.length);
  const remarks = noises.flatMap((noise, index) =>
    noise.length === 0 ? [] : [`round ${index + 1} ${isEnough ? 'is not used' : 'was noisy'}: ${noise.join('; ')}`],
  );
  if (isEnough) return { used: quiet, remarks };
  return {
    used: rounds,
    remarks: [...remarks, `only ${quiet.length} quiet rounds: all are used, trust the figures less`],
  };
}

function shuffle<T>(items: readonly T[]): T[] {
  const shuffled = [...items];
  for (let last = shuffled.length - 1; last > 0; last -= 1) {
    const other = Math.floor(Math.random() * (last + 1));
    [shuffled[last], shuffled[other]] = [shuffled[other] as T, shuffled[last] as T];
  }
  return shuffled;
}

function findNoise(round: Round, deviation: number, reference: string): string[] {
  const noise: string[] = [];
  if (Math.abs(deviation) > NOISE.deviation)
    noise.push(`${reference} was ${percent(Math.abs(deviation))} ${deviation < 0 ? 'slower' : 'faster'} than usual`);
  for (const [name, { lag, foreignCpu }] of round) {
    if (lag > NOISE.lagMs) noise.push(`the load generator was ${lag.toFixed(0)} ms late at ${name}`);
    if (foreignCpu > NOISE.foreignCpu)
      noise.push(`other processes took ${percent(foreignCpu)} of the machine at ${name}`);
  }
  return noise;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}

function listChildren(pid: number): number[] {
  const file = `/proc/${pid}/task/${pid}/children`;
  return existsSync(file) ? readFileSync(file, 'latin1').trim().split(' ').filter(Boolean).map(Number) : [];
}
