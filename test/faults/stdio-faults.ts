import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setTimeout as sleep } from 'node:timers/promises';
import { childrenOf, processesWith, type RunningProcess } from '../kit/processes.ts';
import type { Reason } from './calls.ts';
import { LIMIT_S, runFault, type Fault, type Row } from './fault.ts';
import type { Stage } from './stage.ts';

interface Child {
  readonly stage: Stage;
  readonly id: string;
  readonly notes: string;
}

interface StdioFault extends Pick<Fault, 'callers' | 'pauseMs'>, Partial<Pick<Fault, 'limitS'>> {
  readonly name: string;
  readonly manner: 'plain' | 'stubborn' | 'parent' | 'long' | 'garbage';
  readonly allows: readonly Reason[];
  readonly begin: (child: Child) => Promise<void> | void;
  readonly end?: (child: Child) => void;
}

const PATIENCE_MS = 10_000;
const script = fileURLToPath(new URL('stdio-server.mjs', import.meta.url));

const misbehave: Pick<StdioFault, 'begin' | 'end'> = {
  begin: ({ notes }) => writeFileSync(`${notes}.bad`, ''),
  end: ({ notes }) => rmSync(`${notes}.bad`, { force: true }),
};

/** Starts the server anew under load: the old process has to go, and everything that it started. */
async function reconnect({ stage, id }: Child): Promise<void> {
  const { status, body } = await stage.gateway.api('POST', `/api/mcp/client/${id}/reconnect`);
  if (status !== 200) throw new Error(`reconnect: ${status} ${JSON.stringify(body)}`);
}

async function killAll({ stage }: Child): Promise<void> {
  for (const { pid } of await serversOf(stage.gateway.pid)) process.kill(pid, 'SIGKILL');
}

const serversOf = async (pid: number): Promise<RunningProcess[]> =>
  (await childrenOf(pid)).filter(({ command }) => command.includes(script));

export const STDIO_FAULTS: readonly StdioFault[] = [
  {
    name: 'child process is killed',
    manner: 'plain',
    allows: ['upstream_lost', 'upstream_unreachable'],
    begin: killAll,
  },
  { name: 'child process answers garbage', manner: 'garbage', allows: ['upstream_bad_reply'], ...misbehave },
  {
    ...{ name: 'child process answers a 10 MB line', manner: 'long', allows: [], ...misbehave },
    ...{ limitS: 5, callers: 2, pauseMs: 100 },
  },
  { name: 'child process ignores SIGTERM', manner: 'stubborn', allows: [], begin: reconnect },
  { name: 'child process leaves grandchildren', manner: 'parent', allows: [], begin: reconnect },
  {
    ...{ name: 'child process is killed and leaves grandchildren', manner: 'parent', begin: killAll },
    allows: ['upstream_lost', 'upstream_unreachable'],
  },
];

/** Lets a server over stdio misbehave, and looks for what it leaves behind when it is removed. */
export async function runStdio(stage: Stage, fault: StdioFault): Promise<Row> {
  const notes = join(stage.folder, `${fault.manner}-${performance.now()}`);
  const stdio_config = { command: process.execPath, args: [script, notes, fault.manner] };
  const { limitS = LIMIT_S } = fault;
  const how = { connection_type: 'stdio', stdio_config, tool_execution_timeout: limitS };
  const id = await stage.register('bad', how);
  const child = { stage, id, notes };
  let isRemoved = false;
  try {
    const row = await runFault(stage, {
      ...fault,
      limitS,
      target: { endpoint: () => stage.key, tool: 'bad-echo' },
      ran: () => (existsSync(notes) ? readFileSync(notes, 'utf8').trim().split('\n') : []),
      begin: () => fault.begin(child),
      end: () => fault.end?.(child),
      check: () => leftovers(notes, fault.manner === 'parent' ? 3 : 1),
    });
    await stage.remove(id);
    isRemoved = true;
    return { ...row, wrong: [...row.wrong, ...(await leftovers(notes, 0))] };
  } finally {
    if (!isRemoved) await stage.remove(id);
  }
}

/** Waits until no more than so many processes of the server are there, its grandchildren included; says which else are. */
async function leftovers(notes: string, wanted: number): Promise<string[]> {
  const end = performance.now() + PATIENCE_MS;
  for (;;) {
    const left = await processesWith(notes);
    if (left.length <= wanted) return [];
    if (performance.now() < end) {
      await sleep(100);
      continue;
    }
    // They must not outlive the run, whatever it says of the gateway.
    for (const { pid } of left) process.kill(pid, 'SIGKILL');
    return [`${left.length} processes of the server are running instead of ${wanted}`];
  }
}
