import { fileURLToPath } from 'node:url';
import type { GatewayOptions } from '../../src/app.ts';
import { startStdioHost } from '../../src/mcp/transport/stdio-host/host.ts';
import { newPostgresUrl } from './databases.ts';
import { QUIET, randomApiKey, startGateway, type TestGateway } from './gateway.ts';
import { processesWith } from './processes.ts';
import { waitFor } from './wait.ts';

/** Gateways of one machine, on one database, for which a host runs the stdio servers. */
export interface GatewaysOnHost extends AsyncDisposable {
  readonly all: readonly TestGateway[];
  /** What of the stdio server named "c1" runs now. */
  processes(): Promise<number[]>;
  /** Registers "c1", once every gateway is connected to it. Gives its client_id. */
  register(script: string, ...args: string[]): Promise<string>;
  /** Starts one more gateway. */
  start(): Promise<TestGateway>;
}

/** The part of the body of a create or update that says how the server is started. */
function startedAs(script: string, args: readonly string[], mark: string): Record<string, unknown> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  return { stdio_config: { command: process.execPath, args: [path, ...args, mark] } };
}

let marks = 0;

/** Starts so many gateways with a host. */
export async function startGatewaysOnHost(count: number, options: GatewayOptions = {}): Promise<GatewaysOnHost> {
  const stack = new AsyncDisposableStack();
  const host = await startStdioHost({ logger: QUIET.logger });
  stack.defer(() => host.close());
  const config = { config_store: { type: 'postgres', config: { url: await newPostgresUrl() } } };
  const own = { apiKey: randomApiKey(), passphrase: 'of a test', stdioHost: host.path, config };
  const mark = `on-host-${process.pid}-${(marks += 1)}`;
  const start = async (): Promise<TestGateway> => stack.use(await startGateway({ ...options, ...own }));
  // The first brings the database up.
  const all = [await start()];
  all.push(...(await Promise.all(Array.from({ length: count - 1 }, start))));
  return {
    all,
    start,
    processes: async () => (await processesWith(mark)).map(({ pid }) => pid),
    async register(script, ...args) {
      const body = { name: 'c1', connection_type: 'stdio', tools_to_execute: ['*'] };
      const id = (await all[0]?.createClient({ ...body, ...startedAs(script, args, mark) })) ?? '';
      await Promise.all(all.map((gateway) => isConnected(gateway, id)));
      return id;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** Waits until a gateway is connected to a server. */
export async function isConnected(gateway: TestGateway, id: string): Promise<void> {
  const state = async () => (await gateway.listClients()).find(({ config }) => config.client_id === id)?.state;
  await waitFor(async () => (await state()) === 'connected', 'the server to be connected');
}
