import { request, type ClientRequest } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { createLineSplitter } from '../../lib/split-lines.ts';
import type { Cluster, Peer } from '../../store/cluster.ts';
import { writeEvents } from '../event-stream.ts';
import type { HotResponse } from '../hot.ts';
import type { RawHandler } from '../listen.ts';
import { toPeer } from './pass-on.ts';

/** Where a node asks another for its rows. */
export const ROWS_PATH = '/rows';

/** Hears what other nodes show, each a JSON text. */
export interface PeerRows {
  /** Settles when those that answer in time are heard of. Gives the function that ends it. */
  follow(hear: (message: string) => void): Promise<() => void>;
}

interface PeerRowsDeps {
  readonly cluster: Pick<Cluster, 'others'>;
  readonly secret: string;
}

/** How long the first listener waits for other nodes: what they do later is heard of later. */
const BEGIN_MS = 1_000;
/** Between two looks at who is there. */
const LOOK_MS = 1_000;
const MAX_LINE = 1024 * 1024;

/** Follows every other node for as long as somebody listens here, also those that come later or come back. */
export function createPeerRows({ cluster, secret }: PeerRowsDeps): PeerRows {
  return {
    async follow(hear) {
      const open = new Map<string, ClientRequest>();
      const look = (): Promise<void>[] => {
        const others = new Map(cluster.others().map((peer) => [peer.id, peer]));
        for (const [id, asked] of open) if (!others.has(id)) asked.destroy();
        return [...others.values()].filter(({ id }) => !open.has(id)).map(followOne);
      };
      const followOne = (peer: Peer): Promise<void> => {
        const { promise, resolve } = Promise.withResolvers<void>();
        const asked = askForRows(peer, secret, hear, resolve);
        open.set(peer.id, asked);
        asked.once('close', () => {
          open.delete(peer.id);
          resolve();
        });
        return promise;
      };
      const timer = setInterval(look, LOOK_MS).unref();
      await Promise.race([Promise.all(look()), sleep(BEGIN_MS, undefined, { ref: false })]);
      return () => {
        clearInterval(timer);
        for (const asked of open.values()) asked.destroy();
      };
    },
  };
}

/** One that does not answer, or stops, is asked again at the next look. */
function askForRows(peer: Peer, secret: string, hear: (message: string) => void, begun: () => void): ClientRequest {
  const asked = request({ ...toPeer(peer, secret), agent: false, path: ROWS_PATH });
  const lines = createLineSplitter(MAX_LINE, (line) => hear(line.toString()));
  asked.on('error', () => {});
  asked.once('response', (answer) => {
    answer.on('error', () => {});
    if (answer.statusCode !== 200) return void asked.destroy();
    begun();
    answer.on('data', (chunk: Buffer) => {
      if (!lines.push(chunk)) asked.destroy();
    });
  });
  asked.end();
  return asked;
}

/** Tells other nodes of what happens here, a line for each. */
export interface RowsForPeers {
  readonly handle: RawHandler;
  /** Ends what others follow, and begins no more. */
  close(): void;
}

/** `subscribe` is called for each node that asks; what it gives ends it. */
export function createRowsForPeers(subscribe: (hear: (message: string) => void) => () => void): RowsForPeers {
  const open = new Set<HotResponse>();
  let isClosed = false;
  return {
    handle(_, response) {
      if (isClosed) return Promise.resolve(void response.destroy());
      const end = subscribe((message) => writeEvents(response, `${message}\n`));
      open.add(response);
      response.once('close', () => {
        open.delete(response);
        end();
      });
      response.writeHead(200, { 'content-type': 'application/x-ndjson' }).flushHeaders();
      return Promise.resolve();
    },
    close() {
      isClosed = true;
      for (const response of open) response.end();
    },
  };
}
