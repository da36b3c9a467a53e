import { createHash } from 'node:crypto';
import type { Cluster, Peer } from '../../store/cluster.ts';
import type { HotRequest, HotResponse } from '../hot.ts';
import type { PassOn } from './pass-on.ts';

/** What a request is about, and the node that keeps it. */
export interface Kept {
  readonly node: string;
  /** The token that speaks of it. When its node is gone, all that is about it goes to the same other node. */
  readonly key: string;
  /** It begins something, which a node that is about to end should not; anything else follows up what that node has begun. */
  readonly isNew: boolean;
}

/** Brings a request to the node that keeps what it is about. */
export interface Elsewhere {
  /** Whether another node keeps it, and has answered. */
  answers(about: Kept, request: HotRequest, response: HotResponse, body?: Buffer): Promise<boolean>;
  /** Another node sent this here. */
  isMeantForUs(request: HotRequest): void;
}

interface ElsewhereDeps {
  readonly cluster: Pick<Cluster, 'node' | 'others' | 'find' | 'suspect'>;
  readonly passOn: PassOn;
}

export function createElsewhere({ cluster, passOn }: ElsewhereDeps): Elsewhere {
  const meantForUs = new WeakSet<HotRequest>();

  return {
    async answers(about, request, response, body) {
      // Nodes can disagree for a moment about who is there; nothing is passed on twice.
      if (meantForUs.has(request)) return false;
      for (let peer = choose(cluster, about); peer !== undefined; peer = choose(cluster, about)) {
        if (await passOn(peer, request, response, body)) return true;
        cluster.suspect(peer.id);
      }
      return false;
    },
    isMeantForUs: (request) => void meantForUs.add(request),
  };
}

/** Undefined for this node itself. */
function choose({ node, others, find }: ElsewhereDeps['cluster'], { node: home, key, isNew }: Kept): Peer | undefined {
  if (home === node) return undefined;
  const keeper = find(home);
  if (keeper !== undefined && !(isNew && keeper.isDraining)) return keeper;
  return heirOf(
    key,
    others().filter(({ isDraining }) => !isDraining),
    node,
  );
}

/** The node that takes over a token whose own is gone: every node names the same one, without asking (rendezvous hashing). */
function heirOf(key: string, others: readonly Peer[], self: string): Peer | undefined {
  let heir: Peer | undefined;
  let highest = weigh(key, self);
  for (const peer of others) {
    const weight = weigh(key, peer.id);
    if (weight > highest) [heir, highest] = [peer, weight];
  }
  return heir;
}

function weigh(key: string, node: string): string {
  return createHash('sha256').update(`${node} ${key}`).digest('hex');
}
