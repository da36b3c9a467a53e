import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { DATABASES, openTestDatabase } from '../../test/kit/databases.ts';
import { createEncryption } from '../lib/encryption.ts';
import { createResponseEndStore } from './response-ends.ts';

const NOW = 1_764_000_000_000;
const END = { responseId: 'resp_1', principal: 'virtual-key:ada', content: '{"canary":1}', expires_at: NOW + 60_000 };

describe.each(DATABASES)('on %s', (type) => {
  async function open() {
    const database = await openTestDatabase(type);
    const store = createResponseEndStore(database.db, createEncryption(randomBytes(32)));
    const rows = () => database.db.selectFrom('response_ends').selectAll().execute();
    return { store, rows, [Symbol.asyncDispose]: () => database.close() };
  }

  test('an end is found by whose it is, in time, and nobody reads it in the database', async () => {
    await using scene = await open();
    const { store, rows } = scene;
    await store.save(END, NOW);
    expect(await store.find('resp_1', END.principal, NOW)).toBe(END.content);
    expect(await store.find('resp_1', 'virtual-key:bob', NOW)).toBeUndefined();
    expect(await store.find('resp_2', END.principal, NOW)).toBeUndefined();
    expect(await store.find('resp_1', END.principal, END.expires_at)).toBeUndefined();
    const stored = JSON.stringify(await rows());
    for (const part of ['canary', 'resp_1', 'ada']) expect(stored).not.toContain(part);
  });

  test('a later end of the same response is the end, and what nobody continues is forgotten', async () => {
    await using scene = await open();
    const { store, rows } = scene;
    await store.save(END, NOW);
    await store.save({ ...END, content: 'later' }, NOW);
    expect(await store.find('resp_1', END.principal, NOW)).toBe('later');
    await store.save({ ...END, responseId: 'resp_2', expires_at: NOW + 90_000 }, END.expires_at);
    expect(await rows()).toHaveLength(1);
  });
});
