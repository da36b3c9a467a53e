import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError, messageOf } from '../../lib/errors.ts';
import type { StdioConfig } from '../../store/mcp-clients.ts';
import { endGroup } from './process-group.ts';
import { endMarked, MARK_VARIABLE } from './process-mark.ts';

/** What a child process is started with. */
export interface ChildOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** The whole environment of the child; see {@link childEnvironment}. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd?: string | undefined;
}

/** A child process that runs, or did. */
export type Child = ChildProcessWithoutNullStreams & { readonly pid: number; readonly mark: string };

/** How long each step of ending a child may take before the next, harsher one. */
const PATIENCE_MS = 2000;
/** How long a child may outlive its streams, and its streams the child, before that counts as the end. */
const GRACE_MS = 500;

/**
 * Starts a program, as the leader of a process group of its own and with a mark of its own, so that what it starts can be ended
 * with it. All marks of a gateway begin with `family`.
 */
export async function startChild(options: ChildOptions, family: string): Promise<Child> {
  const { command, args, cwd } = options;
  const mark = `${family}/${randomUUID()}`;
  const env = { ...options.env, [MARK_VARIABLE]: mark };
  try {
    const child = spawn(command, args, { env, cwd, detached: true, stdio: 'pipe', windowsHide: true });
    child.stdin.on('error', () => {});
    if (child.pid === undefined) throw (await once(child, 'error'))[0];
    return Object.assign(child, { pid: child.pid, mark });
  } catch (error) {
    throw new GatewayError('upstream_unreachable', describeStartError(error, options), { cause: error });
  }
}

/** Where the programs come from that most servers are started with. */
const ORIGIN: Readonly<Record<string, string>> = {
  node: 'Node.js',
  npx: 'Node.js',
  uv: 'uv (docs.astral.sh/uv)',
  uvx: 'uv (docs.astral.sh/uv)',
  bunx: 'Bun',
  docker: 'Docker',
};

function describeStartError(error: unknown, { command, cwd }: ChildOptions): string {
  const { code } = error as NodeJS.ErrnoException;
  if (cwd !== undefined && !existsSync(cwd)) return `the working directory ${cwd} does not exist`;
  if (code === 'EACCES') return `the gateway may not execute ${command}: check the file's permissions`;
  if (code !== 'ENOENT') return `${command} cannot be started: ${messageOf(error)}`;
  if (command.includes('/')) return `${command}, or the interpreter its first line names, does not exist`;
  const origin = ORIGIN[command] === undefined ? '' : ` (it comes with ${ORIGIN[command]})`;
  return `the program "${command}" was not found on PATH: install it where the gateway runs${origin}, or give its full path`;
}

/** The end of a child process, awaited or brought about. */
export interface Supervision {
  /** Resolves when the child and all that it started have ended. */
  readonly gone: Promise<void>;
  /** Gives the child, whose stdin has been ended, some time; then ends it by signals. */
  stop(): Promise<void>;
}

/** Follows a child to its end. `onEnd` is told how it came when the child did not live up to its part. */
export function superviseChild(child: Child, onEnd: (how: string) => void): Supervision {
  let isStopping = false;
  let ending: Promise<void> | undefined;
  /** Once only: a second round would be patient again with a group that is being killed. */
  const end = () => (ending ??= endAll(child));
  const isRunning = () => child.exitCode === null && child.signalCode === null;

  async function outlastsItsStreams(): Promise<void> {
    await sleep(GRACE_MS);
    if (isStopping || !isRunning()) return;
    onEnd('closed its input or output');
    await end();
  }
  child.stdout.once('end', () => void outlastsItsStreams());
  child.stdin.once('error', () => void outlastsItsStreams());

  async function untilGone(): Promise<void> {
    const drained = once(child, 'close');
    await once(child, 'exit');
    // Whatever the child started and left behind goes too, also when the child itself ended in good order.
    const groupEnded = end();
    // Its last words may still be in the pipe; a process that left the group may hold the pipe open for ever.
    await Promise.race([drained, sleep(GRACE_MS)]);
    child.stdout.destroy();
    child.stderr.destroy();
    onEnd(child.signalCode === null ? `exited with code ${child.exitCode}` : `was ended by ${child.signalCode}`);
    await groupEnded;
  }
  const gone = untilGone();

  return {
    gone,
    async stop() {
      isStopping = true;
      await Promise.race([gone, sleep(PATIENCE_MS, undefined, { ref: false })]);
      if (isRunning()) await end();
      await gone;
    },
  };
}

/** Ends what is left of a child: its process group, and what it started outside of it. */
async function endAll({ pid, mark }: Child): Promise<void> {
  await Promise.all([endGroup(pid, PATIENCE_MS), endMarked(mark, PATIENCE_MS)]);
}

/** What every child is given, for without it most programs do not even find themselves. */
export const BASE_VARIABLES: readonly string[] = ['PATH', 'HOME'];

/** The environment of a child: what its configuration names and a minimal base, not the secrets of the gateway. */
export function childEnvironment(envs: StdioConfig['envs'], source: NodeJS.ProcessEnv = process.env) {
  const environment: Record<string, string> = {};
  for (const name of BASE_VARIABLES) if (source[name] !== undefined) environment[name] = source[name];
  for (const { name, value } of envs) {
    const text = value === undefined ? source[name] : value.resolve();
    const problem = text === undefined ? `env.${name} is not set` : value?.problem;
    if (text === undefined || problem !== undefined) {
      throw new GatewayError('upstream_unreachable', `stdio_config.envs (${name}): ${problem}`);
    }
    environment[name] = text;
  }
  return environment;
}
