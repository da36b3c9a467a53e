import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** A server in a process of its own. */
export interface KillableServer extends AsyncDisposable {
  readonly url: string;
  ran(): readonly string[];
  /** Stops the process where it stands, or lets it go on. */
  signal(signal: 'SIGSTOP' | 'SIGCONT'): void;
  kill(): Promise<void>;
  /** Starts it again at the same address. */
  start(): Promise<void>;
}

const script = fileURLToPath(new URL('server-process.ts', import.meta.url));

export async function startKillableServer(): Promise<KillableServer> {
  const ran: string[] = [];
  let child: ChildProcess | undefined;
  let url = '';

  async function start(): Promise<void> {
    const fresh = fork(script, [url === '' ? '0' : new URL(url).port]);
    child = fresh;
    [{ url }] = (await once(fresh, 'message')) as [{ url: string }];
    fresh.on('message', (text: string) => ran.push(text));
  }

  async function kill(): Promise<void> {
    if (child === undefined) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    child = undefined;
    await ended;
  }

  await start();
  return {
    get url() {
      return url;
    },
    ran: () => ran,
    signal: (signal) => void child?.kill(signal),
    kill,
    start,
    [Symbol.asyncDispose]: kill,
  };
}
