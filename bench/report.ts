import { availableParallelism, cpus } from 'node:os';
import type { Taken } from './accounts.ts';
import type { Sample } from './load.ts';
import type { Options } from './options.ts';
import type { JudgedRounds, Round } from './rounds.ts';
import type { StartFigures } from './start-time.ts';
import { median } from './statistics.ts';
import type { TargetName } from './targets.ts';
import { TARGETS } from './targets.ts';

/** The medians of one target. */
export interface TargetFigures {
  calls_per_s: number;
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
  start_ms: number | null;
  first_start_ms: number | null;
  idle_rss_mb: number | null;
  targets: Partial<Record<TargetName, TargetFigures>>;
}

interface Budget {
  key: string;
  title: string;
  /** At most or at least this. */
  limit: { most: number } | { least: number };
  digits: number;
}

interface RatioBudget extends Budget {
  /** The first of them against the second. */
  of: [TargetName, TargetName];
  figure: (sample: Sample) => number;
}

const ratios: RatioBudget[] = [
  {
    key: 'calls_per_s_vs_bare_proxy',
    title: 'tools/call against the bare proxy, calls/s',
    of: ['asbru', 'proxy'],
    figure: (s) => s.callsPerSecond,
    limit: { least: 0.75 },
    digits: 2,
  },
  {
    key: 'p50_vs_bare_proxy',
    title: 'tools/call against the bare proxy, p50',
    of: ['asbru', 'proxy'],
    figure: (s) => s.p50,
    limit: { most: 1.3 },
    digits: 2,
  },
  {
    key: 'p99_vs_bare_proxy',
    title: 'tools/call against the bare proxy, p99',
    of: ['asbru', 'proxy'],
    figure: (s) => s.p99,
    limit: { most: 1.5 },
    digits: 2,
  },
  {
    key: 'cpu_per_call_vs_sdk_pair',
    title: 'tools/call against the SDK pair, CPU per call',
    of: ['asbru', 'sdk'],
    figure: (s) => s.cpuMicros,
    limit: { most: 0.1 },
    digits: 3,
  },
  {
    key: 'tools_list_500_vs_same_bytes',
    title: 'tools/list of 500 tools against the same bytes, calls/s',
    of: ['list-asbru', 'list-bytes'],
    figure: (s) => s.callsPerSecond,
    limit: { least: 0.6 },
    digits: 2,
  },
  {
    key: 'calls_per_s_vs_before',
    title: 'tools/call against the other build, calls/s',
    of: ['asbru', 'asbru-before'],
    figure: (s) => s.callsPerSecond,
    limit: { least: 0.95 },
    digits: 2,
  },
  {
    key: 'cpu_per_call_vs_before',
    title: 'tools/call against the other build, CPU per call',
    of: ['asbru', 'asbru-before'],
    figure: (s) => s.cpuMicros,
    limit: { most: 1.05 },
    digits: 2,
  },
];

const startBudgets: (Budget & { key: 'start_ms' | 'idle_rss_mb' })[] = [
  { key: 'start_ms', title: 'start to listening with 20 servers, ms', limit: { most: 1000 }, digits: 0 },
  { key: 'idle_rss_mb', title: 'idle RSS with 20 servers and 500 tools, MB', limit: { most: 150 }, digits: 0 },
];

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
  return {
    date: new Date().toISOString(),
    node: process.version,
    cpu: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    options: { connections, seconds, rounds },
    rounds_used: used.length,
    remarks,
    ratios: Object.fromEntries(ratios.map((ratio) => [ratio.key, ratioOf(ratio, used)])),
    start_ms: start === undefined ? null : round(start.start_ms, 0),
    first_start_ms: start === undefined ? null : round(start.first_start_ms, 0),
    idle_rss_mb: start === undefined ? null : round(start.idle_rss_mb, 1),
    targets: Object.fromEntries(figures),
  };
}

/** The median of the ratios inside each round: what slows a whole round down does not touch them. */
function ratioOf({ of: [ours, theirs], figure }: RatioBudget, rounds: Round[]): number | null {
  const values = rounds.flatMap((round) => {
    const [a, b] = [round.get(ours), round.get(theirs)];
    return a === undefined || b === undefined ? [] : [figure(a) / figure(b)];
  });
  return values.length === 0 ? null : round(median(values), 3);
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits));
}

/** The results as a table for people. */
export function renderResults(results: Results): string {
  const lines = ['', line('', 'calls/s', 'p50 ms', 'p99 ms', 'CPU µs/call', 'peak RSS MB')];
  for (const [name, f] of Object.entries(results.targets)) {
    const cells = [
      f.calls_per_s.toFixed(0),
      f.p50_ms.toFixed(2),
      f.p99_ms.toFixed(2),
      f.cpu_us_per_call.toFixed(0),
      f.peak_rss_mb.toFixed(0),
    ];
    lines.push(`${line(name, ...cells)}   ${TARGETS[name as TargetName]}`);
  }
  lines.push('', ...ratios.flatMap((budget) => judge(budget, results.ratios[budget.key] ?? null)));
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

function judge({ title, limit, digits }: Budget, value: number | null): string[] {
  if (value === null) return [];
  const isMet = 'most' in limit ? value <= limit.most : value >= limit.least;
  const bound = 'most' in limit ? `≤ ${limit.most}` : `≥ ${limit.least}`;
  return [`${isMet ? 'met     ' : 'MISSED  '}${title.padEnd(60)}${value.toFixed(digits).padStart(8)}   ${bound}`];
}
