import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { request } from 'undici';
import type { McpClientList } from '../src/contract/mcp-client.ts';
import type { Running } from './processes.ts';
import { findFreePort, startServer } from './processes.ts';

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url));

/** Key of the management API, which also opens `/mcp` where nobody has a virtual key. */
export const API_KEY = 'asbru_bench_0123456789abcdef0123456789abcdef';

/** One server to register, as config.json names it. */
export type ClientEntry = { name: string; connection_type: 'http'; connection_string: string } | StdioEntry;
interface StdioEntry {
  name: string;
  connection_type: 'stdio';
  stdio_config: { command: string; args: string[] };
}

const CONNECT_LIMIT_MS = 20_000;
/** The tool that the load generator calls. */
const PRICED_TOOL = 'echo';

/** Says in one sentence what to do when the gateway was not built. */
export function demandBuild(): void {
  if (!existsSync(main)) {
    throw new Error(
      'dist/main.js is missing: run "npm run build" first, or leave the gateway out with --only direct,proxy,sdk',
    );
  }
}

/** A directory of the gateway's own with its config.json; removed when its `using` scope ends. */
export async function createAppDir(clients: ClientEntry[]): Promise<{ dir: string; config: string } & AsyncDisposable> {
  const dir = await mkdtemp(path.join(tmpdir(), 'asbru-bench-'));
  const config = path.join(dir, 'config.json');
  const client_configs = clients.map((client) => ({
    ...client,
    tools_to_execute: ['*'],
    tool_pricing: { [PRICED_TOOL]: 0.000_001 },
  }));
  await writeFile(config, JSON.stringify({ mcp: { client_configs } }, null, 2));
  return { dir, config, [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true }) };
}

/** Starts the gateway with the config of a directory and waits until it listens. */
export async function startAsbru(
  { dir, config }: { dir: string; config: string },
  nodeArgs: string[] = [],
  script = main,
): Promise<Running> {
  const args = ['start', '--host', '127.0.0.1', '--port', String(await findFreePort())];
  args.push('--app-dir', dir, '--config', config, '--log-level', 'warn');
  return startServer({ script, args, nodeArgs, env: { ASBRU_API_KEY: API_KEY } });
}

/** Waits until all registered servers are connected. */
export async function waitUntilConnected(origin: string, count: number): Promise<void> {
  const deadline = Date.now() + CONNECT_LIMIT_MS;
  for (;;) {
    const { statusCode, body } = await request(`${origin}/api/mcp/clients`, {
      headers: { authorization: `Bearer ${API_KEY}` },
    });
    const text = await body.text();
    if (statusCode !== 200) throw new Error(`GET /api/mcp/clients: HTTP ${statusCode} ${text.slice(0, 300)}`);
    const { clients } = JSON.parse(text) as McpClientList;
    const states = clients.map(
      (client) =>
        `${client.config.name} ${client.state}${client.last_failure ? `: ${client.last_failure.message}` : ''}`,
    );
    if (clients.filter((client) => client.state === 'connected').length === count) return;
    if (Date.now() > deadline) throw new Error(`not all servers became connected:\n  ${states.join('\n  ')}`);
    await sleep(50);
  }
}
