import { randomUUID } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import { openSharedDatabase, SHARED, type SharedDatabase } from '../../test/kit/shared.ts';
import { createChanges } from './changes.ts';
import { createCluster } from './cluster.ts';
import { createNodeStore, type NodeStore } from './nodes.ts';

interface OpenOptions {
  readonly isGone?: (id: string) => boolean;
  readonly wrap?: (store: NodeStore) => NodeStore;
  readonly beatMs?: number;
}

async function open(shared: SharedDatabase, address: string, options: OpenOptions = {}) {
  const { isGone, wrap = (store) => store, beatMs = 20 } = options;
  const database = await shared.open();
  const node = randomUUID();
  let isClosed = false;
  const fail = (error: unknown): void => {
    // What the others said last may still be read while all is closed.
    if (!isClosed) throw error;
  };
  const changes = await createChanges(database, fail, { node, others: () => cluster.others().map(({ id }) => id) });
  const store = wrap(createNodeStore(database.db));
  const cluster = createCluster({ node, store, changes, onError: fail, beatMs, isGone });
  await cluster.join(address);
  const close = (): Promise<void> => {
    isClosed = true;
    return changes.close();
  };
  return { ...cluster, changes, [Symbol.asyncDispose]: close };
}

describe.each(SHARED)('on %s', (type) => {
  test('processes know each other when they have joined, and when one drains or leaves', async () => {
    await using database = await openSharedDatabase(type);
    await using a = await open(database, 'a:1');
    await using b = await open(database, 'b:2');
    expect(a.others()).toMatchObject([{ id: b.node, address: 'b:2', isDraining: false }]);
    expect(b.find(a.node)).toMatchObject({ address: 'a:1' });
    await b.drain();
    expect(a.find(b.node)).toMatchObject({ isDraining: true });
    await b.leave();
    expect(a.others()).toEqual([]);
    await a.leave();
  });

  test('a process that touches its row no more is taken for dead, then forgotten; one that is suspected until it does', async () => {
    await using database = await openSharedDatabase(type);
    await using a = await open(database, 'a:1');
    const store = createNodeStore((await database.open()).db);
    const dead = { id: 'dead', address: 'd:1', isDraining: false };
    await store.put(dead);
    await vi.waitFor(() => expect(a.find('dead')).toBeDefined());
    a.suspect('dead');
    expect(a.find('dead')).toBeUndefined();
    await store.put(dead);
    await vi.waitFor(() => expect(a.find('dead')).toBeDefined());
    await vi.waitFor(() => expect(a.find('dead')).toBeUndefined());
    await vi.waitFor(async () => expect((await store.list()).map(({ id }) => id)).toEqual([a.node]));
    await a.leave();
  });

  test('when a process dies the others read everything again, once: it may have died before it told of a write', async () => {
    await using database = await openSharedDatabase(type);
    await using a = await open(database, 'a:1');
    await using b = await open(database, 'b:2');
    const store = createNodeStore((await database.open()).db);
    await store.put({ id: 'dead', address: 'd:1', isDraining: false });
    const heard: string[] = [];
    a.changes.subscribe((table, id) => void heard.push(`${table} ${id}`));
    await vi.waitFor(() => expect(a.find('dead')).toBeDefined());
    await b.leave();
    await vi.waitFor(async () => expect(await store.list()).toHaveLength(1));
    expect(heard.filter((notice) => notice === 'virtual_keys *')).toHaveLength(1);
    await a.leave();
  });

  test('a process that is known to have ended is forgotten at once', async () => {
    await using database = await openSharedDatabase(type);
    const store = createNodeStore((await database.open()).db);
    await store.put({ id: 'ended', address: 'd:1', isDraining: false });
    await using a = await open(database, 'a:1', { isGone: (id) => id === 'ended' });
    expect(a.others()).toEqual([]);
    expect((await store.list()).map(({ id }) => id)).toEqual([a.node]);
    await a.leave();
  });

  test('when a change is published, every other process has applied it', async () => {
    await using database = await openSharedDatabase(type);
    await using a = await open(database, 'a:1');
    await using b = await open(database, 'b:2');
    const applied: string[] = [];
    b.changes.subscribe(async (_table, id) => {
      await new Promise((resolve) => setTimeout(resolve, 20));
      applied.push(id);
    });
    await a.changes.publish('settings', 'x');
    expect(applied).toEqual(['x']);
    await b.leave();
    await a.leave();
  });
});

/** Lists of nodes that arrive when they are let: each takes the next of `gates`, and what was read before it was shut. */
function createGates() {
  const gates: Promise<void>[] = [];
  let lists = 0;
  const wrap = (store: NodeStore): NodeStore => ({
    ...store,
    async list() {
      const rows = await store.list();
      lists += 1;
      await gates.shift();
      return rows;
    },
  });
  return { gates, wrap, lists: () => lists };
}

test('what was read first does not come after what was read later', async () => {
  await using database = await openSharedDatabase('file');
  const { gates, wrap, lists } = createGates();
  await using a = await open(database, 'a:1', { wrap, beatMs: 3_600_000 });
  const store = createNodeStore((await database.open()).db);
  await store.put({ id: 'leaving', address: 'd:1', isDraining: false });
  const { promise, resolve: release } = Promise.withResolvers<void>();
  gates.push(promise);
  const before = lists();
  const slow = a.changes.publish('nodes', 'leaving');
  await vi.waitFor(() => expect(lists()).toBe(before + 1));
  await store.remove(['leaving']);
  const fast = a.changes.publish('nodes', 'leaving');
  await store.list(); // the second has its answer too, if it asked
  release();
  await Promise.all([slow, fast]);
  expect(a.others()).toEqual([]);
  await a.leave();
});

test('a database that hangs for many beats makes nobody dead: all of them are one', async () => {
  await using database = await openSharedDatabase('file');
  const store = createNodeStore((await database.open()).db);
  await store.put({ id: 'alive', address: 'd:1', isDraining: false });
  const { gates, wrap, lists } = createGates();
  vi.useFakeTimers({ toFake: ['setInterval'] });
  try {
    await using a = await open(database, 'a:1', { wrap, beatMs: 5_000 });
    const { promise, resolve: release } = Promise.withResolvers<void>();
    gates.push(...Array.from({ length: 10 }, () => promise));
    const before = lists();
    vi.advanceTimersByTime(50_000);
    await vi.waitFor(() => expect(lists()).toBeGreaterThan(before));
    for (let turn = 0; turn < 20; turn += 1) await store.list(); // time for the other beats, if they ask
    release();
    gates.length = 0;
    await a.changes.publish('nodes', 'alive');
    expect(a.find('alive')).toBeDefined();
    await a.leave();
  } finally {
    vi.useRealTimers();
  }
});
