import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Pool } from 'undici';
import type { ClientEntry } from './asbru.ts';
import { createCaller, type GatewayCaller } from './accounts.ts';
import { createAppDir, startAsbru, waitUntilConnected } from './asbru.ts';
import type { CallKind } from './calls.ts';
import { CLIENT_HEADERS, describe, messageOf, openSession, post } from './exchange.ts';
import type { Job } from './load.ts';
import { addProvider, gatewayOf, MODEL_TARGETS, modelJob, TOOLS, type ModelTargetName } from './model-targets.ts';
import type { Running } from './processes.ts';
import { startServer } from './processes.ts';

/** Everything that calls of tools and lists of them can be sent to. */
export const TOOL_TARGETS = {
  direct: 'the upstream itself',
  proxy: 'a bare undici proxy in front of it',
  sdk: 'a server and client of the official SDK in front of it',
  asbru: 'Asbru in front of it, caller of 2025-11-25',
  'asbru-before': 'another build of Asbru (--against), caller of 2025-11-25',
  'asbru-modern': 'the same Asbru, caller of 2026-07-28',
  'asbru-stdio': 'Asbru in front of a stdio server',
  'pages-proxy': 'results of 32 KB on event streams: a bare undici proxy',
  'pages-asbru': 'results of 32 KB on event streams: Asbru',
  'pages-before': 'results of 32 KB on event streams: another build of Asbru (--against)',
  'list-bytes': 'tools/list, 500 tools: a bare server with the same bytes',
  'list-asbru': 'tools/list, 500 tools: Asbru',
};
/** Everything that can be measured. */
export const TARGETS = { ...TOOL_TARGETS, ...MODEL_TARGETS };
type ToolTargetName = keyof typeof TOOL_TARGETS;
export type TargetName = keyof typeof TARGETS;

/** A target that runs, and what to send to it. */
export interface Target {
  name: TargetName;
  server: Running;
  job: Pick<Job, 'origin' | 'path' | 'headers' | 'era' | 'call'>;
  /** Of a gateway: what it does for each call. */
  accounts?: string;
}

/** Starts the targets on demand; those that share a process get the same one. */
export interface Targets {
  open(name: TargetName): Promise<Target>;
  openUpstream(): Promise<Running>;
  /** Every server that was started so far. */
  listServers(): Promise<Running[]>;
}

type JobOf = Omit<Target['job'], 'origin'>;
type Opened = [server: Running, job: JobOf, accounts?: string | undefined];

const LIST_SIZE = 500;
const script = (name: string) => fileURLToPath(new URL(`targets/${name}.ts`, import.meta.url));

/** Builds the targets. `stack` ends what they start; `nodeArgsFor` gives the process of a target options for Node. */
export function createTargets(
  stack: AsyncDisposableStack,
  nodeArgsFor: (process: string) => string[],
  against?: string,
): Targets {
  const servers = new Map<string, Promise<Running>>();
  const callers = new Map<string, Promise<GatewayCaller>>();

  function once(name: string, start: (nodeArgs: string[]) => Promise<Running>): Promise<Running> {
    const server = servers.get(name) ?? start(nodeArgsFor(name)).then((running) => stack.use(running));
    servers.set(name, server);
    return server;
  }
  function openScript(name: string, file: string, ...args: string[]): Promise<Running> {
    return once(name, (nodeArgs) => startServer({ script: script(file), args, nodeArgs }));
  }
  async function openAsbru(
    name: string,
    client: ClientEntry,
    { main, model }: { main?: string | undefined; model?: Running } = {},
  ): Promise<[Running, GatewayCaller]> {
    const server = await once(name, async (nodeArgs) => {
      const server = await startAsbru(stack.use(await createAppDir([client])), nodeArgs, main);
      try {
        await waitUntilConnected(server.origin, 1);
        if (model !== undefined) await addProvider(server.origin, model);
        return server;
      } catch (error) {
        await server[Symbol.asyncDispose]();
        throw error;
      }
    });
    const caller = callers.get(name) ?? createCaller(server.origin, client.name, model !== undefined);
    callers.set(name, caller);
    return [server, await caller];
  }
  const openUpstream = () => openScript('direct', 'upstream');
  const openSecondUpstream = () => openScript('list-upstream', 'upstream');

  async function openListAsbru(): Promise<[Running, GatewayCaller]> {
    const upstream = await openSecondUpstream();
    return openAsbru('list-asbru', asHttpClient('bench', `${upstream.origin}/mcp/${LIST_SIZE}`));
  }

  async function openPages(name: string, main?: string): Promise<Opened> {
    const client = asHttpClient('bench', `${(await openUpstream()).origin}/pages`);
    const call = { kind: 'page', tool: 'bench-page' } as const;
    return called(await openAsbru(name, client, { main }), { path: '/mcp', headers: {}, era: 'legacy', call });
  }

  const opened: Record<ToolTargetName, () => Promise<Opened>> = {
    direct: async () => [await openUpstream(), legacy('echo')],
    proxy: async () => [await openScript('proxy', 'proxy', (await openUpstream()).origin), legacy('echo')],
    sdk: async () => [await openScript('sdk', 'sdk-pair', `${(await openUpstream()).origin}/mcp`), legacy('echo')],
    asbru: async () => {
      const client = asHttpClient('bench', `${(await openUpstream()).origin}/mcp`);
      return called(await openAsbru('asbru', client), legacy('bench-echo'));
    },
    'asbru-before': async () => {
      const client = asHttpClient('bench', `${(await openUpstream()).origin}/mcp`);
      return called(await openAsbru('asbru-before', client, { main: mainOf(against) }), legacy('bench-echo'));
    },
    'asbru-modern': async () => {
      const { server, job, accounts } = await open('asbru');
      return [server, { ...job, era: 'modern' }, accounts];
    },
    'asbru-stdio': async () => {
      const stdio_config = { command: process.execPath, args: [script('stdio-upstream')] };
      const client: ClientEntry = { name: 'bench', connection_type: 'stdio', stdio_config };
      return called(await openAsbru('asbru-stdio', client), legacy('bench-echo'));
    },
    'pages-proxy': async () => [
      await openScript('proxy', 'proxy', (await openUpstream()).origin),
      { path: '/pages', headers: {}, era: 'legacy', call: { kind: 'page', tool: 'page' } },
    ],
    'pages-asbru': () => openPages('pages-asbru'),
    'pages-before': () => openPages('pages-before', mainOf(against)),
    'list-bytes': async () => {
      const [asbru, caller] = await Promise.all([servers.get('list-asbru'), callers.get('list-asbru')]);
      const list = asbru
        ? await fetchList(asbru.origin, '/mcp', caller?.headers ?? {})
        : await fetchList((await openSecondUpstream()).origin, `/mcp/${LIST_SIZE}`, {});
      const file = await writeTemporary(stack, list);
      return [
        await openScript('list-bytes', 'same-bytes', file),
        { path: '/mcp', headers: {}, era: 'none', call: listCall('same-bytes') },
      ];
    },
    'list-asbru': async () =>
      called(await openListAsbru(), { path: '/mcp', headers: {}, era: 'legacy', call: listCall('list') }),
  };

  async function openModelTarget(name: ModelTargetName): Promise<Opened> {
    const model = await openScript('chat-model', 'model');
    const gateway = gatewayOf(name);
    if (gateway === 'model') return [model, modelJob(name, undefined, model)];
    if (gateway === 'portkey') return [await openScript('chat-portkey', 'portkey'), modelJob(name, undefined, model)];
    if (gateway === 'proxy')
      return [await openScript('chat-proxy', 'stream-proxy', model.origin), modelJob(name, undefined, model)];
    const client = asHttpClient('bench', `${(await openUpstream()).origin}/mcp/${TOOLS}`);
    const main = gateway === 'before' ? mainOf(against) : undefined;
    const [server, caller] = await openAsbru(`chat-${gateway}`, client, { main, model });
    return [server, modelJob(name, caller, model), caller.accounts];
  }

  async function open(name: TargetName): Promise<Target> {
    const [server, job, accounts] = isModelTarget(name) ? await openModelTarget(name) : await opened[name]();
    return { name, server, job: { origin: server.origin, ...job }, ...(accounts === undefined ? {} : { accounts }) };
  }
  return { open, openUpstream, listServers: () => Promise.all(servers.values()) };
}

/** Whether that is asked of a model. */
export function isModelTarget(name: TargetName): name is ModelTargetName {
  return name in MODEL_TARGETS;
}

/** The process that a target is a part of; several may share one. */
export function processOf(name: TargetName): string {
  if (isModelTarget(name)) return `chat-${gatewayOf(name)}`;
  return name === 'asbru-modern' ? 'asbru' : name;
}

function mainOf(against: string | undefined): string {
  if (against === undefined) throw new Error('another build needs --against DIR');
  return path.join(path.resolve(against), 'dist/main.js');
}

/** A config entry for a server over Streamable HTTP. */
export function asHttpClient(name: string, url: string): ClientEntry {
  return { name, connection_type: 'http', connection_string: url };
}

function called([server, { headers, accounts }]: [Running, GatewayCaller], job: JobOf): Opened {
  return [server, { ...job, headers }, accounts];
}

function legacy(tool: string): JobOf {
  return { path: '/mcp', headers: {}, era: 'legacy', call: { kind: 'echo', tool } };
}

function listCall(kind: 'list' | 'same-bytes'): CallKind {
  return { kind, count: LIST_SIZE };
}

async function fetchList(origin: string, path: string, headers: Record<string, string>): Promise<string> {
  const pool = new Pool(origin);
  try {
    const session = await openSession({ pool, path, headers: { ...CLIENT_HEADERS, ...headers } });
    const reply = await post(
      session,
      JSON.stringify({ jsonrpc: '2.0', id: 1_000_000_000, method: 'tools/list', params: {} }),
    );
    if (reply.status !== 200) throw new Error(`tools/list failed: ${describe(reply)}`);
    return messageOf(reply);
  } finally {
    await pool.destroy();
  }
}

async function writeTemporary(stack: AsyncDisposableStack, text: string): Promise<string> {
  const dir = await mkdtemp(path.join(tmpdir(), 'asbru-bench-'));
  stack.defer(() => rm(dir, { recursive: true, force: true }));
  const file = path.join(dir, 'list.json');
  await writeFile(file, text);
  return file;
}
