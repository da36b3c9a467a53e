import type { GatewayOptions } from '../../src/app.ts';
import { startChildGateway, type ChildGateway } from '../kit/child-gateway.ts';
import { childrenOf, isAlive } from '../kit/processes.ts';
import { waitFor } from '../kit/wait.ts';
import { startBadServer } from './bad-server.ts';
import { NO_HURRY_S, runFault, type Row } from './fault.ts';
import { startFailingPostgres, type FailingPostgres } from './postgres.ts';
import { startMeasured } from './priority.ts';
import type { SlowLink } from '../kit/slow-link.ts';
import { instrumented, startStage, type Stage } from './stage.ts';

/** One of two nodes: the other is the stage's, which must not notice. */
interface Second {
  readonly gateway: ChildGateway;
  /** Its way to the database. */
  readonly link: SlowLink;
  kill(): Promise<void>;
  start(): Promise<void>;
  stop(): Promise<void>;
}

const KILLED = 'node is killed';
const CUT_OFF = 'node is cut off from the database';

/** Two gateways on one PostgreSQL, one of which fails. */
export async function runNode(wanted: (name: string) => boolean, report: (row: Row) => void): Promise<void> {
  if (![KILLED, CUT_OFF].some(wanted)) return;
  await using postgres = await startFailingPostgres();
  const options = (link?: SlowLink): GatewayOptions => ({
    config: { config_store: { type: 'postgres', config: postgres.config(link) } },
    passphrase: 'of a test',
  });
  await using stage = await startStage(options());
  await using stack = new AsyncDisposableStack();
  const second = await startSecond(stage, postgres, options);
  stack.defer(() => second.stop());
  if (wanted(KILLED)) report(await runKilled(stage, second));
  if (wanted(CUT_OFF)) report(await runCutOff(stage, second));
}

async function startSecond(
  stage: Stage,
  postgres: FailingPostgres,
  options: (link: SlowLink) => GatewayOptions,
): Promise<Second> {
  const link = await postgres.createLink();
  const { apiKey } = stage.gateway;
  let port = 0;
  async function start(): Promise<ChildGateway> {
    const own = { ...options(link), appDir: stage.folder, apiKey, port };
    const started = await startMeasured(() => startChildGateway(own, instrumented(stage.patient.clock)));
    port = Number(new URL(started.address).port);
    return started;
  }
  let gateway = await start();
  return {
    get gateway() {
      return gateway;
    },
    link,
    kill: () => gateway.kill(),
    async start() {
      gateway = await start();
    },
    async stop() {
      await gateway[Symbol.asyncDispose]();
      await link[Symbol.asyncDispose]();
    },
  };
}

async function runKilled(stage: Stage, second: Second): Promise<Row> {
  return withServer(stage, async (server) => {
    let orphans: number[] = [];
    return runFault(stage, {
      ...{ name: KILLED, limitS: NO_HURRY_S, allows: ['gateway_killed', 'gateway_away'], ran: server.ran },
      target: { endpoint: () => ({ address: second.gateway.address, apiKey: stage.key.apiKey }), tool: 'bad-echo' },
      async begin() {
        orphans = (await childrenOf(second.gateway.pid)).map(({ pid }) => pid);
        await second.kill();
      },
      end: () => second.start(),
      async check() {
        await waitFor(() => !orphans.some(isAlive), 'the children of the killed node to end');
        return [];
      },
    });
  });
}

async function runCutOff(stage: Stage, second: Second): Promise<Row> {
  return withServer(stage, async (server, id) => {
    let rounds = 0;
    return runFault(stage, {
      ...{ name: CUT_OFF, limitS: NO_HURRY_S, allows: [], ran: server.ran },
      target: { endpoint: () => ({ address: second.gateway.address, apiKey: stage.key.apiKey }), tool: 'bad-echo' },
      async begin() {
        second.link.cut(true);
        rounds += 1;
        // What is changed meanwhile at the other node must arrive when it is over.
        await stage.gateway.update(id, { tool_pricing: { echo: rounds } });
      },
      async end() {
        second.link.cut(false);
        const isHere = async (): Promise<boolean> =>
          (await second.gateway.getClient(id)).config.tool_pricing['echo'] === rounds;
        await waitFor(isHere, 'the change to arrive at the node that was cut off');
      },
    });
  });
}

async function withServer(
  stage: Stage,
  run: (server: Awaited<ReturnType<typeof startBadServer>>, id: string) => Promise<Row>,
): Promise<Row> {
  await using server = await startBadServer();
  const how = { connection_type: 'http', connection_string: server.upstream.url, tool_execution_timeout: NO_HURRY_S };
  const id = await stage.register('bad', how);
  try {
    return await run(server, id);
  } finally {
    await stage.remove(id);
  }
}
