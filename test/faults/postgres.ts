import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { childrenOf, isAlive } from '../kit/processes.ts';
import { createDatabase, startPostgres, stopPostgres } from '../kit/postgres-server.ts';
import { waitFor } from '../kit/wait.ts';
import { startSlowLink, type SlowLink } from '../kit/slow-link.ts';

/** A PostgreSQL that can be killed, and the way to it. */
export interface FailingPostgres extends AsyncDisposable {
  /** The way that gateways take. */
  readonly link: SlowLink;
  /** `config_store.config` of a gateway that goes that way, or another one. */
  config(link?: SlowLink): { url: string };
  /** Another way to it. */
  createLink(): Promise<SlowLink>;
  /** All its processes at once, as when the machine goes. */
  kill(): Promise<void>;
  start(): Promise<void>;
}

export async function startFailingPostgres(): Promise<FailingPostgres> {
  await using stack = new AsyncDisposableStack();
  const running = await startPostgres();
  stack.defer(() => stopPostgres(running));
  const url = await createDatabase(running);
  const createLink = (): Promise<SlowLink> => startSlowLink(running.port);
  const link = stack.use(await createLink());
  const all = stack.move();
  return {
    link,
    createLink,
    config(by = link) {
      const through = new URL(url);
      through.port = String(by.port);
      return { url: through.href };
    },
    async kill() {
      const pid = Number(readFileSync(join(running.dataDir, 'postmaster.pid'), 'utf8').split('\n')[0]);
      const pids = [pid, ...(await childrenOf(pid)).map((child) => child.pid)];
      for (const each of pids) if (isAlive(each)) process.kill(each, 'SIGKILL');
      await waitFor(() => pids.every((each) => !isAlive(each)), 'PostgreSQL to be gone');
    },
    start: () => running.server.start(),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}
