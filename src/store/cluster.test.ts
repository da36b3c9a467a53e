import { randomUUID } from 'node:crypto';
import { describe, expect, test, vi } from 'vitest';
import { openSharedDatabase, SHARED, type SharedDatabase } from '../../test/kit/shared.ts';
import { createChanges } from './changes.ts';
import { createCluster } from './cluster.ts';
import { createNodeStore } from './nodes.ts';

async function open(shared: SharedDatabase, address: string, isGone?: (id: string) => boolean) {
  const database = await shared.open();
  const node = randomUUID();
  let isClosed = false;
  const fail = (error: unknown): void => {
    // What the others said last may still be read while all is closed.
    if (!isClosed) throw error;
  };
  const changes = await createChanges(database, fail, { node, others: () => cluster.others().map(({ id }) => id) });
  const store = createNodeStore(database.db);
  const cluster = createCluster({ node, store, changes, onError: fail, beatMs: 20, isGone });
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
    await using a = await open(database, 'a:1', (id) => id === 'ended');
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
