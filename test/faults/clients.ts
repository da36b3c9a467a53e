import { MISDEEDS, startBadServer } from './bad-server.ts';
import { flood, readNothing, vanish, type BadClients } from './bad-clients.ts';
import { NO_HURRY_S, runFault, type Row } from './fault.ts';
import { startStage, type Stage } from './stage.ts';

interface ClientFault {
  readonly name: string;
  readonly clients: BadClients;
  /** More memory than this, in MB, must never be taken. */
  readonly memoryMb?: number;
}

const FAULTS: readonly ClientFault[] = [
  { name: 'clients vanish', clients: vanish },
  { name: 'clients do not read', clients: readNothing, memoryMb: 400 },
  { name: 'clients flood', clients: flood },
];

/** Clients that do not behave. */
export async function runClients(wanted: (name: string) => boolean, report: (row: Row) => void): Promise<void> {
  const faults = FAULTS.filter(({ name }) => wanted(name));
  if (faults.length === 0) return;
  await using stage = await startStage();
  for (const fault of faults) report(await run(stage, fault));
}

async function run(stage: Stage, { name, clients, memoryMb = Infinity }: ClientFault): Promise<Row> {
  await using server = await startBadServer();
  server.misdeed = MISDEEDS.large;
  const how = { connection_type: 'http', connection_string: server.upstream.url, tool_execution_timeout: NO_HURRY_S };
  const id = await stage.register('bad', how);
  let running: ReturnType<BadClients> | undefined;
  try {
    const row = await runFault(stage, {
      ...{ name, limitS: NO_HURRY_S, allows: ['client_left'] },
      ran: server.ran,
      target: { endpoint: () => stage.key, tool: 'bad-echo' },
      begin: (tally) => void (running = clients(stage.key, tally)),
      end: () => running?.stop(),
    });
    const taken = row.peakMb - row.before.rss;
    if (taken <= memoryMb) return row;
    return { ...row, wrong: [...row.wrong, `${taken.toFixed(0)} MB more than before were taken, not ${memoryMb}`] };
  } finally {
    await stage.remove(id);
  }
}
