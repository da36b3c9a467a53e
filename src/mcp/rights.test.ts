import { expect, test } from 'vitest';
import { exampleClient } from '../../test/kit/clients.ts';
import { createRights } from './rights.ts';
import type { Upstream } from './upstream/upstream.ts';

type Lists = Record<string, readonly string[]>;
interface Server {
  client: ReturnType<typeof exampleClient>;
  grants: ReadonlyMap<string, readonly string[]>;
}

function server(name: string, grants: Lists = {}, isOpen = false): Server {
  const client = exampleClient({ client_id: name, name, allow_on_all_virtual_keys: isOpen });
  return { client, grants: new Map(Object.entries(grants)) };
}

/** All that rights look at. */
const asUpstreams = (servers: readonly Server[]) => servers as unknown as Upstream[];
const namesOf = (upstreams: readonly Upstream[]) => upstreams.map(({ client }) => client.name);

function follow(...servers: Server[]) {
  const rights = createRights();
  rights.refresh(asUpstreams(servers));
  return { rights, refresh: (...now: Server[]) => rights.refresh(asUpstreams(now)) };
}

test('keys with equal grants have the same name, others another', () => {
  const { rights } = follow(server('a', { x: ['*'], y: ['*'], z: ['one'] }), server('b', { x: ['two'], y: ['two'] }));
  expect(rights.nameOf('x')).toBe(rights.nameOf('y'));
  expect(rights.nameOf('z')).not.toBe(rights.nameOf('x'));
  expect(rights.nameOf('nobody')).not.toBe(rights.nameOf('z'));
});

test('a key has the servers that grant it something, in order of registration, and those that are open to all', () => {
  const { rights } = follow(
    server('a', { x: ['*'] }),
    server('b', { x: [] }),
    server('c', {}, true),
    server('d', { x: [] }, true),
    server('e', { x: ['one'] }),
  );
  expect(namesOf(rights.serversOf('x'))).toEqual(['a', 'c', 'e']);
  expect(namesOf(rights.serversOf('nobody'))).toEqual(['c', 'd']);
});

test('a change gives another name to the keys that it concerns, and to no other', () => {
  const [a, b] = [server('a', { x: ['*'], y: ['*'] }), server('b', { y: ['two'] })];
  const { rights, refresh } = follow(a, b);
  const before = { x: rights.nameOf('x'), y: rights.nameOf('y') };
  b.grants = new Map([['y', ['three']]]);
  refresh(a, b);
  expect(rights.nameOf('x')).toBe(before.x);
  expect(rights.nameOf('y')).not.toBe(before.y);
  b.grants = new Map();
  refresh(a, b);
  expect(rights.nameOf('y')).toBe(before.x);
  expect(namesOf(rights.serversOf('y'))).toEqual(['a']);
});

test('a server that is gone is granted to nobody, and comes last when it is registered again', () => {
  const [a, b] = [server('a', { x: ['*'] }), server('b', { x: ['*'] })];
  const { rights, refresh } = follow(a, b);
  const before = rights.nameOf('x');
  refresh(b);
  expect(namesOf(rights.serversOf('x'))).toEqual(['b']);
  expect(rights.nameOf('x')).not.toBe(before);
  refresh(b, server('a', { x: ['*'] }));
  expect(namesOf(rights.serversOf('x'))).toEqual(['b', 'a']);
});
