import { GAPS } from './cannot.ts';
import { OPERATIONS, type Operation } from './operations.ts';
import type { Options } from './options.ts';
import type { Cell, RowResult } from './row.ts';

const WORDS: { readonly [kind in Cell['kind']]: string } = { passed: 'pass', absent: '–', failed: 'FAIL' };
const SHOWN_LINES = 12;
const SHOWN_LENGTH = 400;

/** All rows, by the way and the client. */
export function renderTable(results: readonly RowResult[]): string {
  const operations = Object.keys(OPERATIONS) as Operation[];
  const head = ['way', 'client', 'revision', 'server', ...operations];
  const rows = sorted(results).map(({ way, client, revision, server, cells }) => [
    way,
    client,
    revision,
    server,
    ...operations.map((operation) => WORDS[cells[operation].kind]),
  ]);
  const widths = head.map((_, column) => Math.max(...[head, ...rows].map((row) => row[column]?.length ?? 0)));
  const line = (row: string[]): string =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd();
  return [head, widths.map((width) => '-'.repeat(width)), ...rows].map(line).join('\n');
}

/** Each failure with its reason; with `trace`, also what passed. */
export function renderFailures(results: readonly RowResult[], { trace }: Options): string {
  const lines = sorted(results).flatMap(({ way, client, server, cells }) =>
    [...failuresByReason(cells)].flatMap(([reason, failures]) => {
      const operations = failures.map(({ operation }) => operation).join(', ');
      const line = `FAIL ${way}: ${client} × ${server}: ${operations}: ${reason}`;
      const [first] = failures;
      if (!trace || first === undefined) return [line];
      return [line, ...shown('client', first.cell.front), ...shown('server', first.cell.back)];
    }),
  );
  return lines.join('\n');
}

/** What was not tried, and why. */
export function renderGaps(): string {
  const all = (names: readonly string[] | undefined): string => names?.join(', ') ?? 'all';
  const lines = GAPS.map(({ way = 'all', clients, servers, operations, why }) => {
    const what = operations === 'all' ? 'all' : operations.join(', ');
    return `– ${way}: ${all(clients)} × ${all(servers)}: ${what}: ${why}`;
  });
  return lines.join('\n');
}

/** A client that does not connect fails everywhere for one reason. */
function failuresByReason(cells: RowResult['cells']) {
  const failures = Object.entries(cells).flatMap(([operation, cell]) =>
    cell.kind === 'failed' ? [{ operation, cell }] : [],
  );
  return Map.groupBy(failures, ({ cell }) => cell.reason);
}

function shown(side: string, lines: string[]): string[] {
  return lines.slice(-SHOWN_LINES).map((line) => `     at the ${side} ${line.slice(0, SHOWN_LENGTH)}`);
}

function sorted(results: readonly RowResult[]): readonly RowResult[] {
  return results.toSorted((a, b) => a.way.localeCompare(b.way));
}
