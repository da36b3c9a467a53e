import { fileURLToPath } from 'node:url';
import type { GatewayOptions } from '../../src/app.ts';
import { createLegacyAskingServer, createModernAskingServer } from './asking-server.ts';
import { httpClient, startGateway, type TestGateway } from './gateway.ts';
import { serveLegacy } from './legacy-host.ts';
import { serveModern } from './modern-host.ts';

/** The servers that ask: of each era, and over each transport that matters. */
export const ASKING_SERVERS = ['legacy http', 'legacy stdio', 'modern http'] as const;
export type AskingServer = (typeof ASKING_SERVERS)[number];

/** A gateway with one asking server behind it, registered as "c1". */
export interface AskingScene extends AsyncDisposable {
  readonly gateway: TestGateway;
  readonly id: string;
  /** JSON-RPC methods that reached the server in order; empty for stdio. */
  readonly methods: readonly string[];
  /** How many requests the server was told to give up; unknown for stdio. */
  readonly cancelled: number;
  /** How many requests at the server wait to be cancelled; unknown for stdio. */
  readonly holding: number;
}

/** Starts an asking server of this kind behind a gateway. */
export async function startAskingScene(kind: AskingServer, options: GatewayOptions = {}): Promise<AskingScene> {
  const stack = new AsyncDisposableStack();
  const state = { holding: 0 };
  const legacy =
    kind === 'legacy http' ? stack.use(await serveLegacy(() => createLegacyAskingServer(state))) : undefined;
  const modern =
    kind === 'modern http' ? stack.use(await serveModern(() => createModernAskingServer(state))) : undefined;
  const host = legacy ?? modern;
  const gateway = stack.use(await startGateway(options));
  const id = await gateway.createClient(host === undefined ? askingStdio() : httpClient(host.url));
  const methods = host?.methods ?? [];
  return {
    gateway,
    id,
    methods,
    get cancelled() {
      return modern?.abandoned ?? methods.filter((method) => method === 'notifications/cancelled').length;
    },
    get holding() {
      return state.holding;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** The rest of the body of a create, for the asking server over stdio. */
export function askingStdio(name = 'c1'): Record<string, unknown> {
  const script = fileURLToPath(new URL('asking-stdio.mjs', import.meta.url));
  const stdio_config = { command: process.execPath, args: [script] };
  return { name, connection_type: 'stdio', stdio_config, tools_to_execute: ['*'] };
}
