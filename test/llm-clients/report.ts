import { OPERATIONS, type Operation } from './operations.ts';
import type { Cell, RowResult } from './row.ts';

const WORDS: { readonly [kind in Cell['kind']]: string } = { passed: 'pass', absent: '–', failed: 'FAIL' };

/** All rows. */
export function renderTable(results: readonly RowResult[]): string {
  const operations = Object.keys(OPERATIONS) as Operation[];
  const head = ['client', 'format', 'model of', 'mode', ...operations];
  const rows = results.map((result) => [
    ...placeOf(result),
    ...operations.map((operation) => WORDS[result.cells[operation].kind]),
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (row: string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [head, widths.map((width) => '-'.repeat(width)), ...rows].map(line).join('\n');
}

/** Each failure with its reason. */
export function renderFailures(results: readonly RowResult[]): string {
  const lines = results.flatMap((result) =>
    Object.entries(result.cells).flatMap(([operation, cell]) =>
      cell.kind === 'failed' ? [`FAIL ${placeOf(result).join(', ')}: ${operation}: ${cell.reason}`] : [],
    ),
  );
  return lines.join('\n');
}

function placeOf({ row: { client, provider, isStream } }: RowResult): string[] {
  return [client.name, client.format, provider, isStream ? 'streamed' : 'whole'];
}
