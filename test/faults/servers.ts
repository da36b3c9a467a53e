import { MISDEEDS, startBadServer, type BadServer } from './bad-server.ts';
import type { Reason } from './calls.ts';
import { LIMIT_S, runFault, type Fault, type Row } from './fault.ts';
import { startKillableServer, type KillableServer } from './killed-server.ts';
import { startStage, type Stage } from './stage.ts';
import { runStdio, STDIO_FAULTS } from './stdio-faults.ts';

interface HttpFault extends Pick<Fault, 'callers' | 'pauseMs'>, Partial<Pick<Fault, 'limitS'>> {
  readonly name: string;
  readonly allows: readonly Reason[];
  readonly begin: (server: BadServer) => void;
  readonly end: (server: BadServer) => void;
}

const misbehave = (misdeed: BadServer['misdeed']): Pick<HttpFault, 'begin' | 'end'> => ({
  begin: (server) => (server.misdeed = misdeed),
  end: (server) => (server.misdeed = undefined),
});

let forgetting: NodeJS.Timeout | undefined;

const OVER_HTTP: readonly HttpFault[] = [
  { name: 'server resets connections', allows: ['upstream_lost'], ...misbehave(MISDEEDS.reset) },
  { name: 'server half-closes connections', allows: ['upstream_lost'], ...misbehave(MISDEEDS.halfClose) },
  { name: 'server answers garbage', allows: ['upstream_lost', 'upstream_bad_reply'], ...misbehave(MISDEEDS.garbage) },
  {
    name: 'server answers a 10 MB line',
    allows: [],
    limitS: 5,
    callers: 2,
    pauseMs: 100,
    ...misbehave(MISDEEDS.longLine),
  },
  { name: 'server answers one byte a second', allows: ['upstream_timeout'], ...misbehave(MISDEEDS.drip) },
  {
    name: 'server answers with a wrong content type',
    allows: ['upstream_bad_reply'],
    ...misbehave(MISDEEDS.wrongType),
  },
  {
    name: 'server forgets its sessions',
    allows: ['upstream_session_expired', 'upstream_unreachable'],
    begin: ({ upstream }) => (forgetting = setInterval(() => upstream.forgetSessions(), 600)),
    end: () => clearInterval(forgetting),
  },
  {
    name: 'server answers 401',
    allows: ['upstream_unauthorized'],
    begin: ({ upstream }) => (upstream.admits = () => false),
    end: ({ upstream }) => (upstream.admits = undefined),
  },
];

interface ProcessFault {
  readonly name: string;
  readonly allows: readonly Reason[];
  readonly begin: (server: KillableServer) => Promise<void> | void;
  readonly end: (server: KillableServer) => Promise<void> | void;
}

const OF_PROCESSES: readonly ProcessFault[] = [
  {
    name: 'server is killed',
    allows: ['upstream_lost', 'upstream_unreachable'],
    begin: (server) => server.kill(),
    end: (server) => server.start(),
  },
  {
    name: 'server stalls',
    allows: ['upstream_timeout'],
    begin: (server) => server.signal('SIGSTOP'),
    end: (server) => server.signal('SIGCONT'),
  },
];

/** Servers that do not behave. */
export async function runServers(wanted: (name: string) => boolean, report: (row: Row) => void): Promise<void> {
  const [processes, http, stdio] = [OF_PROCESSES, OVER_HTTP, STDIO_FAULTS].map((faults) =>
    faults.filter(({ name }) => wanted(name)),
  ) as [ProcessFault[], HttpFault[], typeof STDIO_FAULTS];
  if (processes.length + http.length + stdio.length === 0) return;
  await using stage = await startStage();
  for (const fault of processes) report(await runProcess(stage, fault));
  for (const fault of http) report(await overHttp(stage, fault));
  for (const fault of stdio) report(await runStdio(stage, fault));
}

async function runProcess(stage: Stage, fault: ProcessFault): Promise<Row> {
  await using server = await startKillableServer();
  return await against(stage, server.url, {
    ...fault,
    ran: server.ran,
    begin: () => fault.begin(server),
    end: () => fault.end(server),
  });
}

async function overHttp(stage: Stage, fault: HttpFault): Promise<Row> {
  await using server = await startBadServer();
  return await against(stage, server.upstream.url, {
    ...fault,
    ran: server.ran,
    begin: () => fault.begin(server),
    end: () => fault.end(server),
  });
}

/** Registers the server, lets it misbehave, and removes it. */
async function against(
  stage: Stage,
  url: string,
  fault: Omit<Fault, 'target' | 'limitS'> & { limitS?: number },
): Promise<Row> {
  const { limitS = LIMIT_S } = fault;
  const how = { connection_type: 'http', connection_string: url, tool_execution_timeout: limitS };
  const id = await stage.register('bad', how);
  try {
    return await runFault(stage, { ...fault, limitS, target: { endpoint: () => stage.key, tool: 'bad-echo' } });
  } finally {
    await stage.remove(id);
  }
}
