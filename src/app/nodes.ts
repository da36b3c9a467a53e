import { createAskOthers, type AskOthers } from '../http/nodes/ask-others.ts';
import { createElsewhere, type Elsewhere } from '../http/nodes/elsewhere.ts';
import { openNodes, peerSecret } from '../http/nodes/open-nodes.ts';
import { createPassOn } from '../http/nodes/pass-on.ts';
import { createPeerRows, type PeerRows } from '../http/nodes/peer-rows.ts';
import type { RawHandler } from '../http/listen.ts';
import type { Common } from './common.ts';

/** What lets several nodes look like one. */
export interface Nodes {
  readonly elsewhere: Elsewhere;
  readonly peerRows: PeerRows;
  readonly askOthers: AskOthers;
  /** Opens the port for the others and joins them. From then on until `cleanup` they send here what this node keeps. */
  open(raw: Readonly<Record<string, RawHandler>>): Promise<void>;
}

interface NodesOptions extends Common {
  readonly host: string;
  readonly nodeAddress: string | undefined;
}

/** How long a node that ends goes on with what others have sent it. */
const DRAIN_MS = 30_000;

/** Undefined where there can be no other node. */
export function createNodes(options: NodesOptions): Nodes | undefined {
  const { cluster, stores, cleanup, host, nodeAddress, logger, onError } = options;
  if (cluster === undefined) return undefined;
  const secret = peerSecret(stores.encryption.deriveKey('peers'));
  const passOn = createPassOn(secret);
  cleanup.defer(() => passOn[Symbol.dispose]());
  const askOthers = createAskOthers({ cluster, secret });
  cleanup.defer(() => askOthers[Symbol.dispose]());
  const elsewhere = createElsewhere({ cluster, passOn });
  return {
    elsewhere,
    askOthers,
    peerRows: createPeerRows({ cluster, secret }),
    async open(raw) {
      const listener = await openNodes({ cluster, elsewhere, secret, raw, host, address: nodeAddress, logger });
      cleanup.defer(() => listener.drain(DRAIN_MS));
      // Before its port closes nobody may send here any more.
      cleanup.defer(() => cluster.leave().catch(onError));
    },
  };
}
