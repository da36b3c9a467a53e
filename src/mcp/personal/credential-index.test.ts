import { randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { exampleClient } from '../../../test/kit/clients.ts';
import { openTestDatabase } from '../../../test/kit/databases.ts';
import { unexpected } from '../../../test/kit/ledger.ts';
import { createEncryption } from '../../lib/encryption.ts';
import { createChanges } from '../../store/changes.ts';
import { createHeaderCredentialStore } from '../../store/header-credentials.ts';
import { createMcpClientStore } from '../../store/mcp-clients.ts';
import { createCredentialIndex } from './credential-index.ts';

const CLIENT = exampleClient();

/** The index over a database with one server. */
async function open() {
  const database = await openTestDatabase('sqlite');
  const encryption = createEncryption(randomBytes(32));
  const clients = createMcpClientStore(database.db, encryption);
  const store = createHeaderCredentialStore(database.db, encryption);
  const changes = await createChanges(database, unexpected);
  await clients.insert(CLIENT);
  let afterRead: (() => Promise<void>) | undefined;
  const list: typeof store.list = async (filter) => {
    const rows = await store.list(filter);
    const wait = afterRead;
    afterRead = undefined;
    await wait?.();
    return rows;
  };
  return {
    changes,
    index: createCredentialIndex({ store: { list }, changes, onChange: () => {}, onError: unexpected }),
    remove: () => clients.remove(CLIENT.client_id),
    save: (token: string) =>
      store.save({
        ...{ mode: 'vk', identity: 'key', identity_name: 'key', label: '' },
        ...{ id: 'one', client_id: CLIENT.client_id, values: { 'x-token': token } },
      }),
    /** Keeps what `work` reads first from arriving, until something was written and whoever follows changes was told. */
    async during(work: () => Promise<void>, write: () => Promise<unknown>, tell: () => Promise<void>): Promise<void> {
      const read = Promise.withResolvers<void>();
      const arrival = Promise.withResolvers<void>();
      afterRead = () => {
        read.resolve();
        return arrival.promise;
      };
      const working = work();
      await read.promise;
      await write();
      const told = tell();
      await turn(); // what nothing holds back has been read by now
      arrival.resolve();
      await Promise.all([working, told]);
    },
    [Symbol.asyncDispose]: () => database[Symbol.asyncDispose](),
  };
}

test('what is entered while all are read for the first time is not overwritten by what was there before', async () => {
  await using scene = await open();
  const { index, changes, save } = scene;
  await save('older');
  await scene.during(
    () => index.load(),
    () => save('newer'),
    () => changes.publish('header_credentials', 'one'),
  );
  expect(index.get('one')?.values()).toEqual({ 'x-token': 'newer' });
});

test('what goes with its server is gone, also while all are read for the first time', async () => {
  await using scene = await open();
  const { index, changes, save } = scene;
  await save('of a server that is removed');
  await scene.during(
    () => index.load(),
    () => scene.remove(),
    () => changes.publish('mcp_clients', CLIENT.client_id),
  );
  expect([...index.all()]).toEqual([]);
});

test('what goes with its server is gone, also while it is read because it is new', async () => {
  await using scene = await open();
  const { index, changes, save } = scene;
  await index.load();
  await save('of a server that is removed');
  await scene.during(
    () => changes.publish('header_credentials', 'one'),
    () => scene.remove(),
    () => changes.publish('mcp_clients', CLIENT.client_id),
  );
  expect([...index.all()]).toEqual([]);
});
