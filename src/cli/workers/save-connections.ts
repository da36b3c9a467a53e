import cluster, { type Worker } from 'node:cluster';

/** What node:cluster says to a worker and hears from it; of no interest but for connections. */
interface Internal {
  readonly act?: string;
  readonly seq?: number;
  readonly ack?: number;
}

/** Milliseconds between two looks at whether all that a worker said before its end has been read. */
const LOOK_MS = 10;

/**
 * Gives a connection to another worker when the one that it was handed to dies before it has taken it. Without this node:cluster
 * waits for that worker's word for ever, and so does the client; nor does it say "disconnect" of that worker. One that runs out of
 * memory is busy for seconds before it dies, so this is no rare case.
 */
export function saveConnections(worker: Worker): void {
  const child = worker.process;
  const send = child.send.bind(child) as (...args: readonly unknown[]) => boolean;
  let handed: number | undefined;
  let isDisconnected = false;
  child.send = (message: Internal, ...rest: readonly unknown[]): boolean => {
    if (message.act === 'newconn') handed = message.seq;
    return send(message, ...rest);
  };
  child.on('internalMessage', ({ ack }: Internal) => {
    if (ack === handed) handed = undefined;
  });
  worker.once('disconnect', () => (isDisconnected = true));
  worker.once('exit', () => {
    const looking = setInterval(() => {
      if (child.connected) return;
      clearInterval(looking);
      // From then on node:cluster hands it nothing more.
      if (!isDisconnected) child.emit('disconnect');
      if (handed === undefined) return;
      // "Not accepted" sends the connection on; where nobody is left, "accepted" lets go of it.
      const isAnybodyLeft = Object.values(cluster.workers ?? {}).some((other) => other?.isConnected());
      child.emit('internalMessage', { cmd: 'NODE_CLUSTER', ack: handed, accepted: !isAnybodyLeft });
    }, LOOK_MS);
  });
}
