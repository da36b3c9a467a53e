import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, readdir, readlink, writeFile } from 'node:fs/promises';
import { Agent, get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { accessGateway, randomApiKey, type GatewayAccess } from './gateway.ts';
import { childrenOf, isAlive } from './processes.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { waitFor } from './wait.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');

/** `asbru start --workers`. */
export interface Workers extends GatewayAccess, AsyncDisposable {
  /** The process that was started. */
  readonly pid: number;
  readonly stdout: string;
  /** Opens so many connections; says on how many of them which worker answered, by its number of process. */
  spread(connections: number): Promise<Map<number, number>>;
  /** Waits until so many serve, and gives their numbers. */
  untilServing(count: number): Promise<number[]>;
  /** Asks it to end; gives its exit code. */
  stop(): Promise<number | null>;
}

/** Starts the command with so many workers; `config` is that of config.json. */
export async function startWorkers(count: number, config: object): Promise<Workers> {
  await using stack = new AsyncDisposableStack();
  const { path } = stack.use(await temporaryFolder());
  const apiKey = randomApiKey();
  const file = join(path, 'config.json');
  await writeFile(file, JSON.stringify(config));
  const env = { ...process.env, ASBRU_API_KEY: apiKey, ASBRU_ENCRYPTION_KEY: 'of a test' };
  const args = [
    '--port',
    '0',
    '--app-dir',
    path,
    '--config',
    file,
    '--workers',
    String(count),
    '--log-level',
    'silent',
  ];
  const child = spawn(process.execPath, [main, 'start', ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const pid = child.pid ?? 0;
  const exit = once(child, 'exit').then(([code]) => code as number | null);
  let stdout = '';
  child.stdout.on('data', (data) => (stdout += String(data)));
  const stop = (): Promise<number | null> => {
    if (isAlive(pid)) process.kill(pid, 'SIGTERM');
    return exit;
  };
  stack.defer(async () => void (await stop()));
  const address = await waitFor(() => /listening on (\S+)/.exec(stdout)?.[1], 'the address');
  const running = stack.move();
  return {
    ...accessGateway(address, apiKey),
    pid,
    get stdout() {
      return stdout;
    },
    spread: (connections) => spread(pid, address, connections),
    untilServing: (wanted) =>
      waitFor(async () => {
        const found = [...(await spread(pid, address, wanted * 2)).keys()];
        return found.length === wanted && found;
      }, `${wanted} workers`),
    stop,
    [Symbol.asyncDispose]: () => running.disposeAsync(),
  };
}

/** How so many connections, on which something was answered, are spread over the workers, by their number of process. */
async function spread(supervisor: number, address: string, connections: number): Promise<Map<number, number>> {
  const agents = Array.from({ length: connections }, () => new Agent({ keepAlive: true }));
  try {
    for (const agent of agents) await ask(agent, address);
    const inodes = await connectionsTo(Number(new URL(address).port));
    const workers = (await childrenOf(supervisor)).map(({ pid }) => pid);
    const counted = await Promise.all(workers.map(async (pid) => [pid, await countSockets(pid, inodes)] as const));
    return new Map(counted.filter(([, count]) => count > 0));
  } finally {
    for (const agent of agents) agent.destroy();
  }
}

async function ask(agent: Agent, address: string): Promise<void> {
  const request = get(`${address}/health/live`, { agent });
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  await once(response.resume(), 'end');
}

/** The inodes of all open connections that came to a port. */
async function connectionsTo(port: number): Promise<Set<string>> {
  const ESTABLISHED = '01';
  const lines = (await readFile('/proc/net/tcp', 'utf8')).split('\n').map((line) => line.trim().split(/\s+/));
  const wanted = `:${port.toString(16).toUpperCase().padStart(4, '0')}`;
  const ours = lines.filter(([, local = '', , state]) => local.endsWith(wanted) && state === ESTABLISHED);
  return new Set(ours.map((fields) => fields[9] ?? ''));
}

async function countSockets(pid: number, inodes: ReadonlySet<string>): Promise<number> {
  const files = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const links = await Promise.all(files.map((file) => readlink(`/proc/${pid}/fd/${file}`).catch(() => '')));
  return links.filter((link) => inodes.has(/^socket:\[(\d+)\]$/.exec(link)?.[1] ?? 'none')).length;
}
