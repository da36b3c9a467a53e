import { availableParallelism, cpus } from 'node:os';
import type { Taken } from './accounts.ts';
import type { Sample } from './load.ts';
import type { Options } from './options.ts';
import type { JudgedRounds, Round } from './rounds.ts';
import type { StartFigures } from './start-time.ts';
import { judge, ratios, startBudgets, type RatioBudget } from './budgets.ts';
import { median, rangeOfMedian } from './statistics.ts';
import type { TargetName } from './targets.ts';
import { TARGETS } from './targets.ts';

/** The medians of one target. */
export interface TargetFigures {
  calls_per_s: number;
  first_byte_ms: number;
  p50_ms: number;
  p99_ms: number;
  cpu_us_per_call: number;
  peak_rss_mb: number;
  /** Of a gateway: what it did for each call. */
  accounts?: string;
  /** What it took down of all calls, those of the warm-up included. */
  taken?: Taken;
}

/** What is known of a target when all rounds are over. */
export interface Ended {
  name: TargetName;
  peak: number;
  accounts: string | undefined;
  taken: Taken | undefined;
}

/** What `bench/results/latest.json` holds. A figure is null when its parts were not measured. */
export interface Results {
  date: string;
  node: string;
  cpu: string;
  cores: number;
  options: Pick<Options, 'connections' | 'seconds' | 'rounds'>;
  rounds_used: number;
  remarks: string[];
  ratios: Record<string, number | null>;
  /** Where each of the ratios lies with 95 % certainty. */
  ranges: Record<string, [low: number, high: number] | null>;
  start_ms: number | null;
  first_start_ms: number | null;
  idle_rss_mb: number | null;
  targets: Partial<Record<TargetName, TargetFigures>>;
}

/** Puts the medians of a run together. */
export function summarize(
  options: Options,
  judged: JudgedRounds,
  ended: Ended[],
  start: StartFigures | undefined,
): Results {
  const { used, remarks } = judged;
  const figures = ended.map(({ name, peak, accounts, taken }): [TargetName, TargetFigures] => {
    const middle = (figure: (sample: Sample) => number) =>
      median(used.flatMap((round) => round.get(name) ?? []).map(figure));
    return [
      name,
      {
        calls_per_s: round(
          middle((s) => s.callsPerSecond),
          0,
        ),
        first_byte_ms: round(
          middle((s) => s.firstByte),
          3,
        ),
        p50_ms: round(
          middle((s) => s.p50),
          3,
        ),
        p99_ms: round(
          middle((s) => s.p99),
          3,
        ),
        cpu_us_per_call: round(
          middle((s) => s.cpuMicros),
          1,
        ),
        peak_rss_mb: round(peak, 1),
        ...(accounts === undefined ? {} : { accounts }),
        ...(taken === undefined ? {} : { taken }),
      },
    ];
  });
  const { connections, seconds, rounds } = options;
  const measured = ratios.map((ratio) => [ratio.key, ratiosIn(used, ratio)] as const);
  return {
    date: new Date().toISOString(),
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    options: { connections, seconds, rounds },
    rounds_used: used.length,
    remarks,
    ratios: Object.fromEntries(
      measured.map(([key, values]) => [key, values.length === 0 ? null : round(median(values), 3)]),
    ),
    ranges: Object.fromEntries(
      measured.map(([key, values]) => [key, values.length === 0 ? null : rangeOfMedian(values)]),
    ),
    start_ms: start === undefined ? null : round(start.start_ms, 0),
    first_start_ms: start === undefined ? null : round(start.first_start_ms, 0),
    idle_rss_mb: start === undefined ? null : round(start.idle_rss_mb, 1),
    targets: Object.fromEntries(figures),
  };
}

/** The ratios inside each round: what slows a whole round down does not touch them. */
function ratiosIn(rounds: Round[], { of: [ours, theirs], figure }: RatioBudget): number[] {
  return rounds.flatMap((round) => {
    const [a, b] = [round.get(ours), round.get(theirs)];
    return a === undefined || b === undefined ? [] : [figure(a) / figure(b)];
  });
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** The results as a table for people. */
export function renderResults(results: Results): string {
  const lines = ['', line('', 'calls/s', '1st byte ms', 'p50 ms', 'p99 ms', 'CPU µs/call', 'peak RSS MB')];
  for (const [name, f] of Object.entries(results.targets)) {
    const cells = [
      f.calls_per_s.toFixed(0),
      f.first_byte_ms.toFixed(2),
      f.p50_ms.toFixed(2),
      f.p99_ms.toFixed(2),
      f.cpu_us_per_call.toFixed(0),
      f.peak_rss_mb.toFixed(0),
    ];
    lines.push(`${line(name, ...cells)}   ${TARGETS[name as TargetName]}`);
  }
  lines.push('', ...ratios.flatMap((budget) => judge(budget, results.ratios[budget.key], results.ranges[budget.key])));
  lines.push(...startBudgets.flatMap((budget) => judge(budget, results[budget.key])));
  if (results.first_start_ms !== null)
    lines.push(`        (the first start, which registers the servers: ${results.first_start_ms} ms)`);
  lines.push(...renderAccounts(results));
  if (results.remarks.length > 0) lines.push('', ...results.remarks);
  const { connections, seconds } = results.options;
  lines.push(
    '',
    `${connections} clients, ${results.rounds_used} rounds of ${seconds} s, Node ${results.node}, ${results.cores} × ${results.cpu}`,
  );
  return lines.join('\n');
}

/** Who called the gateways, and whether all of it was taken down. */
function renderAccounts({ targets }: Results): string[] {
  const lines: string[] = [];
  for (const [name, { accounts, taken }] of Object.entries(targets)) {
    if (accounts === undefined) continue;
    if (!lines.includes(accounts)) lines.push('', accounts);
    if (taken === undefined) continue;
    const { logged, cost_usd, dropped } = taken;
    lines.push(`${line(name, String(logged))} calls in the log, ${cost_usd.toFixed(6)} USD, ${dropped} calls dropped`);
  }
  return lines;
}

function line(name: string, ...cells: string[]): string {
  return name.padEnd(14) + cells.map((cell) => cell.padStart(13)).join('');
}
