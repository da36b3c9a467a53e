import type { Cell } from './cells.ts';
import { whyLeftOut } from './cells.ts';
import type { ExpectedFailure } from './expected-failures.ts';
import type { Check, ScenarioResult } from './suite.ts';

/** What the table says of one scenario in one cell. */
type Verdict = 'pass' | 'FAIL' | 'expected' | 'STALE' | 'n.a.';

/** What came of one cell. */
export interface CellResult {
  readonly cell: Cell;
  readonly results: readonly ScenarioResult[];
}

interface Named {
  readonly cell: string;
  readonly scenario: string;
}

interface Entry extends Named {
  readonly verdict: Verdict;
  readonly checks: readonly Check[];
}

/** Everything there is to print, and whether the run failed. */
export interface Report {
  readonly text: string;
  readonly hasFailed: boolean;
}

/** Judges the results against what is expected, and renders them. */
export function report(cells: readonly CellResult[], expected: readonly ExpectedFailure[]): Report {
  const known = expected.filter((one) => cells.some(({ cell }) => cell.name === one.cell));
  const judged = cells.flatMap(({ cell, results }) => results.map((result) => judge(cell.name, result, known)));
  const gone = known.filter((one) => !judged.some((entry) => isSame(one, entry)));
  const entries = [
    ...judged,
    ...gone.map(({ cell, scenario }) => ({ cell, scenario, verdict: 'STALE', checks: [] }) as const),
  ];
  const failed = entries.filter(({ verdict }) => verdict === 'FAIL' || verdict === 'STALE');
  const passed = entries.filter(({ verdict }) => verdict === 'pass').length;
  const expectedCount = entries.filter(({ verdict }) => verdict === 'expected').length;
  const sections = [
    renderTable(cells, entries),
    ...renderFailures(entries, known),
    ...renderRepeated(cells),
    ...renderLeftOut(entries),
    `${passed} passed, ${failed.length} failed${expectedCount === 0 ? '' : `, ${expectedCount} expected failures`}`,
  ];
  return { text: sections.join('\n\n'), hasFailed: failed.length > 0 };
}

function isSame(a: Named, b: Named): boolean {
  return a.cell === b.cell && a.scenario === b.scenario;
}

/** Whether a scenario failed with something that is not expected of it. */
export function hasFailed(cell: Cell, result: ScenarioResult, expected: readonly ExpectedFailure[]): boolean {
  return judge(cell.name, result, expected).verdict === 'FAIL';
}

function judge(cell: string, { scenario, checks }: ScenarioResult, expected: readonly ExpectedFailure[]): Entry {
  const entry = { cell, scenario, checks };
  if (whyLeftOut(cell, scenario) !== undefined) return { ...entry, verdict: 'n.a.' };
  const known = expected.find((one) => isSame(one, entry))?.checks ?? [];
  const faults = faultsOf(entry).map(({ id }) => id);
  if (faults.some((id) => !known.includes(id))) return { ...entry, verdict: 'FAIL' };
  if (known.some((id) => !faults.includes(id))) return { ...entry, verdict: 'STALE' };
  return { ...entry, verdict: faults.length === 0 ? 'pass' : 'expected' };
}

/**
 * Warnings count: they are of things that a server should do, and what stands behind the gateway does. So does a scenario that
 * looked at nothing, or the suite could skip one unseen.
 */
function faultsOf({ checks }: Pick<Entry, 'checks'>): Check[] {
  const faults = checks.filter(({ status }) => status === 'FAILURE' || status === 'WARNING');
  const isMeant = checks.some(({ id, status }) => status === 'SUCCESS' && id !== 'wire-schema-valid');
  if (isMeant || faults.length > 0) return faults;
  return [{ id: 'suite', status: 'FAILURE', errorMessage: 'found nothing to check' }];
}

function renderTable(cells: readonly CellResult[], entries: readonly Entry[]): string {
  const shown = entries.filter(({ verdict }) => verdict !== 'n.a.');
  const scenarios = [...new Set(shown.map(({ scenario }) => scenario))];
  const names = cells.map(({ cell }) => cell.name);
  const width = Math.max(...scenarios.map((scenario) => scenario.length));
  const rows = scenarios.map((scenario) => {
    const verdicts = names.map(
      (name) => entries.find((entry) => entry.cell === name && entry.scenario === scenario)?.verdict ?? '',
    );
    return renderRow(scenario, verdicts, width);
  });
  return [renderRow('', names, width), ...rows].join('\n');
}

function renderRow(first: string, rest: readonly string[], width: number): string {
  return [first.padEnd(width), ...rest.map((text) => text.padEnd(11))].join('  ').trimEnd();
}

function renderFailures(entries: readonly Entry[], expected: readonly ExpectedFailure[]): string[] {
  return entries.flatMap((entry) => {
    const title = `[${entry.cell}] ${entry.scenario}`;
    if (entry.verdict === 'STALE')
      return `${title}\n  is listed with failures that it does not have: take them off the list`;
    if (entry.verdict === 'expected')
      return `${title}\n  expected: ${expected.find((known) => isSame(known, entry))?.reason}`;
    return entry.verdict === 'FAIL' ? [title, ...faultsOf(entry).map(renderFault)].join('\n') : [];
  });
}

/** Some scenarios hold a client to the milliseconds of the suite's own clock: what failed once and passed then is named. */
function renderRepeated(cells: readonly CellResult[]): string[] {
  return cells.flatMap(({ cell, results }) =>
    results.flatMap(({ scenario, atFirst }) => {
      if (atFirst === undefined) return [];
      const faults = faultsOf({ checks: atFirst }).map(renderFault);
      return [[`[${cell.name}] ${scenario}: run twice, since the first run failed`, ...faults].join('\n')];
    }),
  );
}

function renderFault({ id, errorMessage, description }: Check): string {
  return `  ${id}: ${errorMessage ?? description ?? ''}`;
}

/** What the table does not show: scenarios that have no meaning in a cell. */
function renderLeftOut(entries: readonly Entry[]): string[] {
  const byReason = Map.groupBy(
    entries.filter(({ verdict }) => verdict === 'n.a.'),
    ({ cell, scenario }) => whyLeftOut(cell, scenario) ?? '',
  );
  const lines = [...byReason].map(([reason, left]) => {
    const names = [...new Set(left.map(({ scenario }) => scenario))];
    const cells = [...new Set(left.map(({ cell }) => cell))];
    return `  ${names.join(', ')} [${cells.join(', ')}]: ${reason}`;
  });
  return lines.length === 0 ? [] : [['n.a.:', ...lines].join('\n')];
}
