import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import type { Peer } from '../../store/cluster.ts';
import { createElsewhere, type Kept } from './elsewhere.ts';

/** Nodes as `self` sees them, and what it does with requests. */
function nodesAsSeenBy(self: string, peers: readonly Peer[], dead: readonly string[] = []) {
  const suspected = new Set<string>();
  const others = () => peers.filter(({ id }) => id !== self && !suspected.has(id));
  const asked: string[] = [];
  const elsewhere = createElsewhere({
    cluster: {
      node: self,
      others,
      find: (id) => others().find((peer) => peer.id === id),
      suspect: (id) => void suspected.add(id),
    },
    passOn: (peer) => {
      asked.push(peer.id);
      return Promise.resolve(!dead.includes(peer.id));
    },
  });
  const request = {} as IncomingMessage;
  const answers = (about: Kept): Promise<boolean> => elsewhere.answers(about, request, {} as ServerResponse);
  return { answers, asked, elsewhere, request };
}

const peer = (id: string, isDraining = false): Peer => ({ id, address: `${id}:1`, isDraining });
const ALL = [peer('a'), peer('b'), peer('c')];
const about = (node: string, isNew = true): Kept => ({ node, key: 'a session', isNew });

test('a request goes to the node that keeps what it is about, and stays where that is', async () => {
  const seen = nodesAsSeenBy('a', ALL);
  expect(await seen.answers(about('b'))).toBe(true);
  expect(seen.asked).toEqual(['b']);
  expect(await seen.answers(about('a'))).toBe(false);
});

test('what a node has passed on is not passed on again', async () => {
  const seen = nodesAsSeenBy('a', ALL);
  seen.elsewhere.isMeantForUs(seen.request);
  expect(await seen.answers(about('b'))).toBe(false);
  expect(seen.asked).toEqual([]);
});

test('a node that ends is asked for what it has begun, and for nothing new', async () => {
  const peers = [peer('a'), peer('b', true)];
  const seen = nodesAsSeenBy('a', peers);
  expect(await seen.answers(about('b', false))).toBe(true);
  expect(await seen.answers(about('b', true))).toBe(false);
  expect(seen.asked).toEqual(['b']);
});

test('all nodes name the same heir of one that is gone, and different keys have different heirs', async () => {
  const heirs = new Set<string>();
  for (let number = 0; number < 40; number += 1) {
    const key = `session ${number}`;
    const named: string[] = [];
    for (const { id } of ALL) {
      const seen = nodesAsSeenBy(id, ALL);
      named.push((await seen.answers({ node: 'gone', key, isNew: true })) ? (seen.asked[0] ?? '') : id);
    }
    expect(new Set(named).size).toBe(1);
    heirs.add(named[0] ?? '');
  }
  expect(heirs).toEqual(new Set(['a', 'b', 'c']));
});

test('when nobody takes it, the request is answered here', async () => {
  const seen = nodesAsSeenBy('a', ALL, ['b', 'c']);
  expect(await seen.answers(about('b'))).toBe(false);
  expect(seen.asked[0]).toBe('b');
});
