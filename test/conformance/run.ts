/**
 * `npm run conformance`: the official suite against the gateway, with the fixture or the suite itself behind it.
 * `--cell NAME` and `--scenario NAME` run less; `--direct` leaves the gateway out, to see what the fixture and the client do
 * by themselves; `--details` adds all that the suite saw in a failed check.
 */
import { parseArgs } from 'node:util';
import { CELLS, isSameEra, whyLeftOut, type Cell } from './cells.ts';
import { EXPECTED_FAILURES } from './expected-failures.ts';
import { startFixture } from './fixture/listen.ts';
import { openGateway } from './gateway.ts';
import { hasFailed, report, type CellResult } from './report.ts';
import { installSuite, listScenarios, testClient, testServer, type ScenarioResult } from './suite.ts';

const { values: options } = parseArgs({
  options: {
    cell: { type: 'string' },
    scenario: { type: 'string' },
    direct: { type: 'boolean', default: false },
    details: { type: 'boolean', default: false },
  },
});

await installSuite();
const expected = options.direct
  ? []
  : EXPECTED_FAILURES.filter(({ scenario }) => (options.scenario ?? scenario) === scenario);
const chosen = CELLS.filter(
  (cell) => (options.cell ?? cell.name) === cell.name && (!options.direct || isSameEra(cell)),
);
if (chosen.length === 0) throw new Error(`--cell: one of ${CELLS.map(({ name }) => `"${name}"`).join(', ')}`);
const cells: CellResult[] = [];
for (const cell of chosen) cells.push({ cell, results: await runCell(cell) });
if (cells.every(({ results }) => results.length === 0))
  throw new Error(`--scenario ${options.scenario}: no cell has it`);
const outcome = report(cells, expected);
console.log(outcome.text);
if (options.details) printDetails();
process.exitCode = outcome.hasFailed ? 1 : 0;

async function runCell(cell: Cell): Promise<ScenarioResult[]> {
  const all = await listScenarios(cell.role, cell.revision);
  const wanted = all.filter((scenario) => options.scenario === undefined || options.scenario === scenario);
  if (wanted.length === 0) return [];
  console.error(`${cell.name}: ${wanted.length} scenarios …`);
  const left = new Map(wanted.map((scenario): [string, ScenarioResult] => [scenario, { scenario, checks: [] }]));
  const results = cell.role === 'server' ? await runAsServer(cell, options.scenario) : await runAsClient(cell, wanted);
  for (const result of results) left.set(result.scenario, result);
  for (const result of left.values()) {
    if (hasFailed(cell, result, expected)) left.set(result.scenario, await runAgain(cell, result));
  }
  return [...left.values()];
}

/** Once more, alone. */
async function runAgain(cell: Cell, { scenario, checks }: ScenarioResult): Promise<ScenarioResult> {
  console.error(`${cell.name}: ${scenario} failed; it is run again …`);
  const [second] = cell.role === 'server' ? await runAsServer(cell, scenario) : await runAsClient(cell, [scenario]);
  return { scenario, checks: second?.checks ?? [], atFirst: checks };
}

async function runAsServer(cell: Cell, scenario: string | undefined): Promise<ScenarioResult[]> {
  await using fixture = await startFixture(cell.fixture ?? 'both');
  await using gateway = options.direct ? undefined : await openGateway(fixture.url);
  return await testServer(gateway?.url ?? fixture.url, cell.revision, scenario);
}

async function runAsClient({ name, revision }: Cell, wanted: readonly string[]): Promise<ScenarioResult[]> {
  const results: ScenarioResult[] = [];
  const harness = `${process.execPath} ${import.meta.dirname}/client-harness.ts${options.direct ? ' --direct' : ''}`;
  for (const scenario of wanted) {
    if (whyLeftOut(name, scenario) === undefined) results.push(...(await testClient(harness, revision, scenario)));
  }
  return results;
}

function printDetails(): void {
  for (const { cell, results } of cells) {
    for (const { scenario, checks } of results) {
      for (const check of checks.filter(({ status }) => status === 'FAILURE')) {
        console.log(`\n[${cell.name}] ${scenario}\n${JSON.stringify(check, null, 2)}`);
      }
    }
  }
}
