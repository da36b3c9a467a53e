import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { Revision } from './cells.ts';

const folder = import.meta.dirname;
const program = join(folder, 'node_modules', '@modelcontextprotocol', 'conformance', 'dist', 'index.js');

/** One thing that a scenario looked at. */
export interface Check {
  readonly id: string;
  readonly status: 'SUCCESS' | 'FAILURE' | 'WARNING' | 'SKIPPED' | 'INFO';
  readonly description?: string;
  readonly errorMessage?: string;
  readonly details?: unknown;
}

/** What came of one scenario. */
export interface ScenarioResult {
  readonly scenario: string;
  readonly checks: readonly Check[];
  /** What failed in a first run, where this is the second. */
  readonly atFirst?: readonly Check[];
}

/** Installs the suite when what is installed is not what its lock file says. */
export async function installSuite(): Promise<void> {
  if (existsSync(program) && (await isCurrent())) return;
  console.error('installing the conformance suite (npm ci) …');
  // npm names itself when it runs this; by hand it is the one on the path, which on Windows only a shell finds.
  const npm = process.env['npm_execpath'];
  const [command, args] = npm === undefined ? ['npm ci', []] : [process.execPath, [npm, 'ci']];
  const { status } = spawnSync(command, args, {
    cwd: folder,
    stdio: ['ignore', 'ignore', 'inherit'],
    shell: npm === undefined,
  });
  if (status !== 0) throw new Error('the conformance suite could not be installed; npm says why above');
}

/** By content, not by date: a fresh checkout touches the lock file without changing it. */
async function isCurrent(): Promise<boolean> {
  const wanted = await readLock(join(folder, 'package-lock.json'));
  const installed = await readLock(join(folder, 'node_modules', '.package-lock.json'));
  return Object.entries(wanted).every(
    ([path, { version, optional }]) => path === '' || optional === true || installed[path]?.version === version,
  );
}

async function readLock(file: string): Promise<Record<string, { version?: string; optional?: boolean }>> {
  const lock = existsSync(file) ? await readFile(file, 'utf8') : '{"packages":{}}';
  return (JSON.parse(lock) as { packages: Record<string, { version?: string; optional?: boolean }> }).packages;
}

/** The scenarios that the suite has for a role in a revision, scored or not; extensions included. */
export async function listScenarios(role: 'server' | 'client', revision: Revision): Promise<string[]> {
  const output = await run(['list', '--requirements', revision]);
  const [required = '', unscored = ''] = output.split('Run and reported');
  const section = required.split(/^(?=\w+ scenarios)/m).find((part) => part.toLowerCase().startsWith(role)) ?? '';
  const scored = [...section.matchAll(/^ +- (\S+)$/gm)].map(([, name]) => name ?? '');
  const others = [...unscored.matchAll(/^ +- (\S+) \[(\w+)\]$/gm)].filter(([, , leg]) => leg === role);
  return [...scored, ...others.map(([, name]) => name ?? '')];
}

/** Runs one scenario, or all of a revision, with the suite as the client of this address. */
export async function testServer(url: string, revision: Revision, scenario?: string): Promise<ScenarioResult[]> {
  const which =
    scenario === undefined ? ['--requirements', revision] : ['--scenario', scenario, '--spec-version', revision];
  return await runSuite(['server', '--url', url, '--timeout', '15000', ...which]);
}

/** Runs one scenario with the suite as a server, and this command, to which the suite adds its address, as the client. */
export async function testClient(command: string, revision: Revision, scenario: string): Promise<ScenarioResult[]> {
  // Extensions belong to no revision; they are run in each all the same.
  const which = ['--scenario', scenario, '--spec-version', revision, '--force'];
  return await runSuite(['client', '--command', command, '--timeout', '20000', ...which]);
}

/** The suite writes one folder per scenario, named for it and the time. */
async function runSuite(args: readonly string[]): Promise<ScenarioResult[]> {
  const folder = await mkdtemp(join(tmpdir(), 'conformance-'));
  try {
    const output = await run([...args, '--output-dir', folder]);
    const results: ScenarioResult[] = [];
    for (const file of await readdir(folder, { recursive: true })) {
      if (basename(file) !== 'checks.json') continue;
      const scenario = dirname(file)
        .replace(/^server-/, '')
        .replace(/-\d{4}-\d\d-\d\dT[\d-]+Z$/, '');
      const checks = JSON.parse(await readFile(join(folder, file), 'utf8')) as Check[];
      const [fault] = /CLIENT (TIMED OUT|EXITED WITH ERROR)/.exec(output) ?? [];
      if (fault !== undefined) {
        const said = await readFile(join(folder, dirname(file), 'stderr.txt'), 'utf8');
        checks.push({ id: 'client-harness', status: 'FAILURE', errorMessage: `${fault}: ${said.trim()}` });
      }
      results.push({ scenario, checks });
    }
    if (results.length === 0) throw new Error(`the suite gave no results:\n${tail(output)}`);
    return results;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function tail(output: string): string {
  return output.trim().split('\n').slice(-30).join('\n');
}

async function run(args: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text) => (output += text));
  await once(child, 'close');
  return output;
}
