import { Agent, request } from 'node:http';
import type { Cluster, Peer } from '../../store/cluster.ts';
import { toPeer } from './pass-on.ts';

/** Has every other node do something. Settles when they have; one that does not answer in time is not waited for. */
export type AskOthers = (path: string, answerMs?: number) => Promise<void>;

interface AskDeps {
  readonly cluster: Pick<Cluster, 'others'>;
  readonly secret: string;
}

const ANSWER_MS = 1_000;

export function createAskOthers({ cluster, secret }: AskDeps): AskOthers & Disposable {
  const agent = new Agent({ keepAlive: true });

  function ask(peer: Peer, path: string, answerMs: number): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const asked = request({ ...toPeer(peer, secret), agent, method: 'POST', path });
    const limit = setTimeout(() => asked.destroy(), answerMs);
    asked.once('response', (answer) => answer.resume());
    asked.on('error', () => {});
    asked.once('close', () => {
      clearTimeout(limit);
      resolve();
    });
    asked.end();
    return promise;
  }

  const askAll: AskOthers = async (path, answerMs = ANSWER_MS) => {
    await Promise.all(cluster.others().map((peer) => ask(peer, path, answerMs)));
  };
  return Object.assign(askAll, { [Symbol.dispose]: () => agent.destroy() });
}
