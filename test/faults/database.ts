import { spawnSync } from 'node:child_process';
import { waitFor } from '../kit/wait.ts';
import { startBadServer } from './bad-server.ts';
import type { Tally } from './calls.ts';
import { NO_HURRY_S, runFault, type Row } from './fault.ts';
import { startFailingPostgres, type FailingPostgres } from './postgres.ts';
import { startStage, type Stage } from './stage.ts';
import { startWrites, type Writes } from './writes.ts';

interface StoreFault<T> {
  readonly name: string;
  readonly begin: (place: T) => Promise<void> | void;
  readonly end: (place: T) => Promise<void> | void;
}

const ON_POSTGRES: readonly StoreFault<FailingPostgres>[] = [
  { name: 'PostgreSQL is killed', begin: (postgres) => postgres.kill(), end: (postgres) => postgres.start() },
  {
    name: 'PostgreSQL is slow, 300 ms each way',
    begin: ({ link }) => void (link.delayMs = 300),
    end: ({ link }) => void (link.delayMs = 0),
  },
  { name: 'PostgreSQL does not answer', begin: ({ link }) => link.hold(true), end: ({ link }) => link.hold(false) },
];

/** Lets no file of the process grow, as on a full disk, or lets them grow again. */
function limitFiles({ gateway }: Stage, limit: '0' | 'unlimited'): void {
  const { status, stderr } = spawnSync('prlimit', ['--pid', String(gateway.pid), `--fsize=${limit}:`]);
  if (status !== 0) throw new Error(`prlimit: ${String(stderr)}`);
}

const HOUR_MS = 3_600_000;

const ON_SQLITE: readonly StoreFault<Stage>[] = [
  {
    name: 'disk is full (SQLite)',
    begin: (stage) => limitFiles(stage, '0'),
    end: (stage) => limitFiles(stage, 'unlimited'),
  },
  { name: 'clock is an hour ahead', begin: (stage) => stage.moveClock(HOUR_MS), end: (stage) => stage.moveClock(0) },
  { name: 'clock is an hour behind', begin: (stage) => stage.moveClock(-HOUR_MS), end: (stage) => stage.moveClock(0) },
];

/** The database fails, and the clock: no call may be lost by either. */
export async function runDatabase(wanted: (name: string) => boolean, report: (row: Row) => void): Promise<void> {
  const [onPostgres, onSqlite] = [
    ON_POSTGRES.filter(({ name }) => wanted(name)),
    ON_SQLITE.filter(({ name }) => wanted(name)),
  ];
  if (onPostgres.length > 0) {
    await using postgres = await startFailingPostgres();
    const config = { config_store: { type: 'postgres', config: postgres.config() } };
    await using stage = await startStage({ config, passphrase: 'of a test' });
    for (const fault of onPostgres) report(await run(stage, fault, postgres));
  }
  if (onSqlite.length === 0) return;
  await using stage = await startStage();
  for (const fault of onSqlite) report(await run(stage, fault, stage));
}

async function run<T>(stage: Stage, { name, begin, end }: StoreFault<T>, place: T): Promise<Row> {
  await using server = await startBadServer();
  const { gateway, key } = stage;
  const how = { connection_type: 'http', connection_string: server.upstream.url, tool_execution_timeout: NO_HURRY_S };
  const id = await stage.register('bad', how);
  const all: Writes[] = [];
  try {
    const before = await countLogged(stage);
    return await runFault(stage, {
      ...{ name, limitS: NO_HURRY_S, allows: [], ran: server.ran },
      target: { endpoint: () => key, tool: 'bad-echo' },
      async begin() {
        await begin(place);
        all.push(startWrites(gateway, id));
      },
      async end() {
        await end(place);
        await all.at(-1)?.stop();
      },
      check: async (tally) => [
        ...all.flatMap((writes) => writes.complaints()),
        ...(await judgeLogs(stage, before, tally)),
      ],
      remark: () => all.map(({ remark }) => remark).at(-1) ?? '',
    });
  } finally {
    await stage.remove(id);
  }
}

/** Every call is in the log in the end, however long the database was away. */
async function judgeLogs(stage: Stage, before: number, tally: Tally): Promise<string[]> {
  let logged = 0;
  const wanted = before + tally.sent;
  const isThere = async (): Promise<boolean> => (logged = await countLogged(stage)) >= wanted;
  await waitFor(isThere, 'the log').catch(() => undefined);
  return logged >= wanted ? [] : [`${logged - before} of ${tally.sent} calls are in the log`];
}

async function countLogged({ gateway }: Stage): Promise<number> {
  const { status, body } = await gateway.api('GET', '/api/mcp-logs?server_labels=bad&limit=1');
  if (status !== 200) return 0;
  return Number((body['stats'] as { total_executions?: number }).total_executions);
}
