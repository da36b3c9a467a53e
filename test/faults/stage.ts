import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { GatewayOptions } from '../../src/app.ts';
import { startChildGateway, type ChildGateway } from '../kit/child-gateway.ts';
import { httpClient } from '../kit/gateway.ts';
import { createKey, type TestKey } from '../kit/keys.ts';
import { temporaryDirectory } from '../kit/temporary-directory.ts';
import type { Patient } from './footprint.ts';
import { startOthers, type Others } from './others.ts';
import { startMeasured } from './priority.ts';

type JsonObject = Record<string, unknown>;

/** A gateway in a process of its own, with two servers that behave, and those who call them. */
export interface Stage extends AsyncDisposable {
  readonly gateway: ChildGateway;
  /** The process of the gateway, to be looked at. */
  readonly patient: Patient;
  readonly others: Others;
  /** May call every tool of every server. */
  readonly key: TestKey;
  /** A folder for whatever a fault needs. */
  readonly folder: string;
  /** Moves the clock of the gateway. */
  moveClock(ms: number): Promise<void>;
  /** Registers a server that will not behave; gives its id. */
  register(name: string, how: JsonObject): Promise<string>;
  remove(id: string): Promise<void>;
}

/** What the others call. */
export const OTHER_TOOLS = [
  { name: 'good-any', argument: 'text' },
  { name: 'local-any', argument: 'of' },
];

const kit = (file: string): string => fileURLToPath(new URL(`../kit/${file}`, import.meta.url));
const instruments = new URL('instruments.mjs', import.meta.url).href;

/** How a gateway under test is started: so that its clock can be moved and its garbage be collected. */
export function instrumented(clock: string) {
  return { nodeArgs: ['--import', instruments], env: { ASBRU_TEST_CLOCK: clock }, log: `${clock}.log` };
}

/** Starts it all; `options` may name a database. */
export async function startStage(options: GatewayOptions = {}): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const folder = stack.use(await temporaryDirectory()).path;
  const clock = join(folder, 'clock');
  await writeFile(clock, '0');
  const others = stack.use(await startMeasured(startOthers));
  const start = () => startChildGateway({ appDir: folder, ...options }, instrumented(clock));
  const gateway = stack.use(await startMeasured(start));
  await gateway.createClient(httpClient(others.url, { name: 'good' }));
  const stdio_config = { command: process.execPath, args: [kit('echo-stdio.mjs')] };
  await gateway.createClient({ name: 'local', connection_type: 'stdio', stdio_config, tools_to_execute: ['*'] });
  const grants = (names: readonly string[]) => ({
    mcp_configs: names.map((mcp_client_name) => ({ mcp_client_name, tools_to_execute: ['*'] })),
  });
  const key = await createKey(gateway, 'caller', grants(['good', 'local']));
  const running = stack.move();
  return {
    ...{ gateway, others, key, folder, patient: { pid: gateway.pid, clock } },
    moveClock: (ms) => writeFile(clock, String(ms)),
    async register(name, how) {
      const id = await gateway.createClient({
        name,
        tools_to_execute: ['*'],
        allow_on_all_virtual_keys: true,
        ...how,
      });
      return id;
    },
    async remove(id) {
      await gateway.api('DELETE', `/api/mcp/client/${id}`);
    },
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}
