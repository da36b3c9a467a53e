import { fileURLToPath } from 'node:url';
import type { GatewayOptions } from '../../src/app.ts';
import { httpClient, startGateway, type TestGateway } from './gateway.ts';
import { serveLegacy, type LegacyHost } from './legacy-host.ts';
import {
  createLegacyLivelyServer,
  createLivelyState,
  createModernLivelyServer,
  type LivelyState,
} from './lively-server.ts';
import { serveModern, type ModernHost } from './modern-host.ts';
import { NODE_COUNT } from './node-count.ts';
import { postModern } from './wire.ts';

/** The kinds of servers whose requests take their time. */
export const LIVELY_SERVERS = ['legacy http', 'legacy stdio', 'modern http'] as const;
export type LivelyKind = (typeof LIVELY_SERVERS)[number];

/** A lively server over HTTP, with what its sessions share. */
export interface LivelyHost extends AsyncDisposable {
  readonly state: LivelyState;
  readonly url: string;
  /** JSON-RPC methods in the order they arrived. */
  readonly methods: readonly string[];
  readonly legacy: LegacyHost | undefined;
  readonly modern: ModernHost | undefined;
  /** Says that a list is other than before. */
  announce(list: 'tools' | 'prompts' | 'resources'): Promise<void>;
  /** Says that a resource is other than before. */
  update(uri: string): Promise<void>;
  stop(): Promise<void>;
  restart(): Promise<void>;
}

/** Starts a lively server of an era. */
export async function startLively(era: 'legacy' | 'modern'): Promise<LivelyHost> {
  const state = createLivelyState();
  const legacy = era === 'legacy' ? await serveLegacy(() => createLegacyLivelyServer(state)) : undefined;
  const modern = era === 'modern' ? await serveModern(() => createModernLivelyServer(state)) : undefined;
  const host = legacy ?? modern;
  if (host === undefined) throw new Error('no server');
  const toAll = async (method: string, params: Record<string, unknown> = {}): Promise<void> => {
    await Promise.allSettled((legacy?.servers ?? []).map((server) => server.notification({ method, params })));
  };
  return {
    state,
    url: host.url,
    methods: host.methods,
    legacy,
    modern,
    async announce(list) {
      modern?.notify[`${list}Changed`]();
      await toAll(`notifications/${list}/list_changed`);
    },
    async update(uri) {
      modern?.notify.resourceUpdated(uri);
      await toAll('notifications/resources/updated', { uri });
    },
    stop: () => host.stop(),
    restart: () => host.restart(),
    [Symbol.asyncDispose]: () => host[Symbol.asyncDispose](),
  };
}

/** A gateway with a lively server behind it, registered as "c1". */
export interface LivelyScene extends AsyncDisposable {
  readonly gateway: TestGateway;
  readonly id: string;
  /** The server; undefined over stdio. */
  readonly host: LivelyHost | undefined;
  /** What becomes of the requests at the server, read from the server itself. */
  report(): Promise<{ running: number; cancelled: number }>;
}

/** Starts a lively server of this kind behind a gateway. Over stdio the sessions share nothing, so only `report` tells of the shared one. */
export async function startLivelyScene(kind: LivelyKind, options: GatewayOptions = {}): Promise<LivelyScene> {
  const stack = new AsyncDisposableStack();
  const host =
    kind === 'legacy stdio' ? undefined : stack.use(await startLively(kind === 'modern http' ? 'modern' : 'legacy'));
  const gateway = stack.use(await startGateway(options));
  const id = await gateway.createClient(host === undefined ? livelyStdio() : httpClient(host.url));
  return {
    gateway,
    id,
    host,
    async report() {
      if (host !== undefined) return host.state;
      // Each node has a process of its own.
      const sum = { running: 0, cancelled: 0 };
      for (let node = 0; node < NODE_COUNT; node += 1) {
        const { reply } = await postModern(gateway, 'tools/call', { name: 'c1-report' });
        const content = reply.result?.['content'] as { text: string }[] | undefined;
        const { running, cancelled } = JSON.parse(content?.[0]?.text ?? '') as LivelyState;
        sum.running += running;
        sum.cancelled += cancelled;
      }
      return sum;
    },
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

/** The rest of the body of a create, for the lively server over stdio. */
export function livelyStdio(name = 'c1'): Record<string, unknown> {
  const script = fileURLToPath(new URL('lively-stdio.mjs', import.meta.url));
  const stdio_config = { command: process.execPath, args: [script] };
  return { name, connection_type: 'stdio', stdio_config, tools_to_execute: ['*'] };
}
