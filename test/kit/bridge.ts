import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Client as ModernSdkClient } from '@modelcontextprotocol/client';
import { StdioClientTransport as ModernStdio } from '@modelcontextprotocol/client/stdio';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StdioClientTransport } from '@modelcontextprotocol/sdk/client/stdio.js';
import { waitFor } from './wait.ts';
import { MODERN_REVISION, type McpEndpoint, type RpcMessage } from './wire.ts';

type JsonObject = Record<string, unknown>;

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
const info = { name: 'scenario', version: '1.0.0' };

/** The command line of `asbru stdio` towards this gateway. */
export function bridgeCommand({ address, apiKey }: McpEndpoint): { command: string; args: string[] } {
  return { command: process.execPath, args: [main, 'stdio', '--url', `${address}/mcp`, '--key', apiKey] };
}

/** The official SDK client of the older revisions (v1), connected through the bridge. */
export async function connectLegacyStdio(gateway: McpEndpoint): Promise<Client & AsyncDisposable> {
  const client = new Client(info);
  await client.connect(new StdioClientTransport(bridgeCommand(gateway)));
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });
}

/** The official SDK client (v2), connected through the bridge; it finds out by itself which revision is spoken. */
export async function connectAutoStdio(gateway: McpEndpoint): Promise<ModernSdkClient & AsyncDisposable> {
  return await connectV2(gateway, new ModernSdkClient(info, { versionNegotiation: { mode: 'auto' } }));
}

/** The official SDK client (v2), pinned to the modern revision, connected through the bridge. */
export async function connectModernStdio(gateway: McpEndpoint): Promise<ModernSdkClient & AsyncDisposable> {
  return await connectV2(
    gateway,
    new ModernSdkClient(info, { versionNegotiation: { mode: { pin: MODERN_REVISION } } }),
  );
}

async function connectV2(gateway: McpEndpoint, client: ModernSdkClient): Promise<ModernSdkClient & AsyncDisposable> {
  await client.connect(new ModernStdio(bridgeCommand(gateway)));
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.close() });
}

/** The bridge as a process whose lines a test writes and reads by hand. */
export interface BridgeProcess extends AsyncDisposable {
  readonly pid: number;
  /** Every line on standard output, as it came. */
  readonly lines: readonly string[];
  readonly messages: readonly RpcMessage[];
  /** All that it said on standard error. */
  readonly complaints: string;
  /** Resolves with the exit code. */
  readonly exit: Promise<number | null>;
  send(message: JsonObject | JsonObject[] | string): void;
  /** Sends a request and waits for its answer. */
  request(method: string, params?: JsonObject): Promise<RpcMessage>;
  /** `initialize` and `notifications/initialized`. */
  initialize(version?: string): Promise<RpcMessage>;
  /** Closes its standard input. */
  closeInput(): void;
  /** Closes our end of its standard output. */
  closeOutput(): void;
  kill(signal: NodeJS.Signals): void;
  /** Stops and starts reading its standard output. */
  pause(): void;
  resume(): void;
}

/** Starts the bridge with these flags and variables alone. */
export function startBridge(flags: readonly string[], env: Record<string, string> = {}): BridgeProcess {
  const child = spawn(process.execPath, [main, 'stdio', ...flags], { env: { ...cleanEnvironment(), ...env } });
  const lines: string[] = [];
  let complaints = '';
  let lastId = 0;
  let rest = '';
  // Not node:readline, for which U+2028 ends a line.
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    const parts = `${rest}${text}`.split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => (complaints += text));
  child.stdin.on('error', () => {}); // it may end before it has read everything
  const exit = once(child, 'close').then(([code]) => code as number | null);

  const bridge: BridgeProcess = {
    pid: child.pid ?? 0,
    lines,
    get messages() {
      return lines.map((line) => JSON.parse(line) as RpcMessage);
    },
    get complaints() {
      return complaints;
    },
    exit,
    send: (message) => void child.stdin.write(`${typeof message === 'string' ? message : JSON.stringify(message)}\n`),
    async request(method, params = {}) {
      const id = `r${++lastId}`;
      bridge.send({ jsonrpc: '2.0', id, method, params });
      return await waitFor(() => bridge.messages.find((message) => message.id === id), `the answer to ${method}`);
    },
    async initialize(protocolVersion = '2025-11-25') {
      const answer = await bridge.request('initialize', { protocolVersion, capabilities: {}, clientInfo: info });
      bridge.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
      return answer;
    },
    closeInput: () => child.stdin.end(),
    closeOutput: () => void child.stdout.destroy(),
    kill: (signal) => void child.kill(signal),
    pause: () => void child.stdout.pause(),
    resume: () => void child.stdout.resume(),
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
      child.stdout.resume();
      await exit;
    },
  };
  return bridge;
}

/** The environment without what the bridge would read. */
function cleanEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('ASBRU_')));
}
