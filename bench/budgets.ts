import type { Sample } from './load.ts';
import { modelBudgets } from './model-budgets.ts';
import type { TargetName } from './targets.ts';

/** What a figure may be at most or must be at least. */
export interface Budget {
  key: string;
  title: string;
  /** At most or at least this. */
  limit: { most: number } | { least: number };
  digits: number;
}

/** A figure of one target against that of another in the same round. */
export interface RatioBudget extends Budget {
  /** The first of them against the second. */
  of: [TargetName, TargetName];
  figure: (sample: Sample) => number;
}

/** What Asbru may take of a call, in the order of the results. */
export const ratios: RatioBudget[] = [
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
    key: 'pages_calls_per_s_vs_bare_proxy',
    title: 'results of 32 KB against the bare proxy, calls/s',
    of: ['pages-asbru', 'pages-proxy'],
    figure: (s) => s.callsPerSecond,
    limit: { least: 0.75 },
    digits: 2,
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
    key: 'pages_cpu_per_call_vs_before',
    title: 'results of 32 KB against the other build, CPU per call',
    of: ['pages-asbru', 'pages-before'],
    figure: (s) => s.cpuMicros,
    limit: { most: 1.05 },
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
  ...modelBudgets,
];

/** What a start may take. */
export const startBudgets: (Budget & { key: 'start_ms' | 'idle_rss_mb' })[] = [
  { key: 'start_ms', title: 'start to listening with 20 servers, ms', limit: { most: 1000 }, digits: 0 },
  { key: 'idle_rss_mb', title: 'idle RSS with 20 servers and 500 tools, MB', limit: { most: 150 }, digits: 0 },
];

/** One line that says whether a budget is met. */
export function judge(
  { title, limit, digits }: Budget,
  value: number | null | undefined,
  range?: readonly [low: number, high: number] | null,
): string[] {
  if (value === null || value === undefined) return [];
  const isMet = 'most' in limit ? value <= limit.most : value >= limit.least;
  const bound = 'most' in limit ? `≤ ${limit.most}` : `≥ ${limit.least}`;
  const words = range?.map((end) => end.toFixed(digits)).join(' to ') ?? '';
  const figures = `${value.toFixed(digits).padStart(8)}   ${bound.padEnd(8)}${words}`;
  return [`${isMet ? 'met     ' : 'MISSED  '}${title.padEnd(60)}${figures}`.trimEnd()];
}
