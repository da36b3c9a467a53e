import { countLost } from './calls.ts';
import { explain, type Row } from './fault.ts';

const HEAD = [
  'Fault',
  'Calls',
  'Lost',
  'Run twice',
  'Others, p50 in ms',
  'p99',
  'Longest call, s of limit',
  'Back after, s',
  'Memory, MB',
  'In use, MB',
  'Descriptors',
  'Children',
  'What was lost, and why',
];

/** The rows as a Markdown table. */
export function renderTable(rows: readonly Row[]): string {
  const lines = [HEAD, ...rows.map(cells)];
  const widths = HEAD.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const render = (line: readonly string[]): string =>
    `| ${line.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = widths.map((width) => '-'.repeat(width));
  return [render(HEAD), render(rule), ...lines.slice(1).map(render)].join('\n');
}

function cells(row: Row): string[] {
  const { name, limitS, tally, twice, quiet, troubled, before, peakMb, after, backMs, remark } = row;
  const seconds = (ms: number): string => (ms / 1000).toFixed(2);
  return [
    name,
    String(tally.sent),
    String(countLost(tally) + tally.unexplained.length),
    String(twice),
    `${quiet.p50.toFixed(1)} → ${troubled.p50.toFixed(1)}`,
    `${quiet.p99.toFixed(1)} → ${troubled.p99.toFixed(1)}`,
    `${seconds(tally.longest)} of ${limitS}`,
    seconds(backMs),
    `${before.rss.toFixed(0)} → ${peakMb.toFixed(0)} → ${after.rss.toFixed(0)}`,
    `${before.heap.toFixed(0)} → ${after.heap.toFixed(0)}`,
    `${before.descriptors} → ${after.descriptors}`,
    `${before.children} → ${after.children}`,
    [explain(tally), remark].filter((text) => text !== '').join('; ') || 'nothing',
  ];
}
