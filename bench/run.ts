/** `npm run bench`: measures the gateway against its budgets, beside what it is compared with. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readTaken } from './accounts.ts';
import { demandBuild } from './asbru.ts';
import { demandPortkey } from './model-targets.ts';
import type { Options } from './options.ts';
import { readOptions } from './options.ts';
import { readMemory } from './proc.ts';
import { startGenerator } from './processes.ts';
import { listTopFunctions } from './profile.ts';
import type { Ended, Results } from './report.ts';
import { renderResults, summarize } from './report.ts';
import { judgeRounds, runRounds, type JudgedRounds } from './rounds.ts';
import { measureStart } from './start-time.ts';
import type { Target, TargetName } from './targets.ts';
import { createTargets, isModelTarget, processOf, TARGETS } from './targets.ts';

const resultsDir = fileURLToPath(new URL('results', import.meta.url));
const PROFILE_LINES = 30;

try {
  const options = readOptions(process.argv.slice(2));
  if (options !== undefined) await run(options);
} catch (error) {
  console.error(`bench failed: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
}

async function run(options: Options): Promise<void> {
  if (options.parts.some((part) => part.includes('asbru') || part === 'start')) demandBuild();
  if (options.parts.some((part) => part.includes('portkey'))) demandPortkey();
  await mkdir(resultsDir, { recursive: true });
  const results = await measure(options);
  console.log(renderResults(results));
  if (options.profile !== undefined) {
    const file = path.join(resultsDir, profileName(options.profile));
    console.log(`\nwhere the process of ${options.profile} spent its time (${path.relative(process.cwd(), file)}):`);
    for (const line of await listTopFunctions(file, PROFILE_LINES)) console.log(line);
    return;
  }
  const file = path.join(resultsDir, options.isWhole ? 'latest.json' : 'partial.json');
  await writeFile(file, `${JSON.stringify(results, null, 2)}\n`);
  console.log(`written to ${path.relative(process.cwd(), file)}`);
}

/** Everything that it starts has ended when it returns, which is also when a CPU profile is written. */
async function measure(options: Options): Promise<Results> {
  await using stack = new AsyncDisposableStack();
  const profiled = options.profile === undefined ? undefined : processOf(options.profile);
  const targets = createTargets(
    stack,
    (process) => (process === profiled ? profileArgs(options) : []),
    options.against,
  );

  // Before the others are up, so that it is measured on an idle machine.
  const start = options.parts.includes('start') ? await measureStart((await targets.openUpstream()).origin) : undefined;
  const opened: Target[] = [];
  for (const name of openingOrder(options)) opened.push(await targets.open(name));
  const servers = await targets.listServers();
  const generator = stack.use(startGenerator());
  const inOrder = (Object.keys(TARGETS) as TargetName[]).flatMap(
    (name) => opened.find((target) => target.name === name) ?? [],
  );
  const pids = servers.map((server) => server.pid);
  const judged: JudgedRounds = { used: [], remarks: [] };
  for (const kind of [
    inOrder.filter(({ name }) => !isModelTarget(name)),
    inOrder.filter(({ name }) => isModelTarget(name)),
  ]) {
    const { used, remarks } = judgeRounds(await runRounds(generator, kind, pids, options));
    judged.used.push(...used);
    judged.remarks.push(...remarks);
  }

  const ended: Ended[] = [];
  for (const target of inOrder) ended.push(await endOf(target));
  return summarize(options, judged, ended, start);
}

async function endOf({ name, server, accounts }: Target): Promise<Ended> {
  const { peak } = readMemory(server.pid);
  return {
    name,
    peak,
    accounts,
    taken:
      accounts === undefined ? undefined : await readTaken(server.origin, isModelTarget(name) ? 'models' : 'tools'),
  };
}

/** The server of the same bytes comes last: it takes them from the gateway. */
function openingOrder({ parts }: Options): TargetName[] {
  const names = parts.filter((part) => part !== 'start');
  return names.toSorted((a, b) => Number(a === 'list-bytes') - Number(b === 'list-bytes'));
}

function profileArgs({ profile = 'direct' }: Options): string[] {
  return ['--cpu-prof', `--cpu-prof-dir=${resultsDir}`, `--cpu-prof-name=${profileName(profile)}`];
}

function profileName(target: TargetName): string {
  return `${target}.cpuprofile`;
}
