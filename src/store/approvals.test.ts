import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { DATABASES, openTestDatabase } from '../../test/kit/databases.ts';
import { createEncryption } from '../lib/encryption.ts';
import { createApprovalStore, type Decision, type NewApproval } from './approvals.ts';

const NOW = 1_764_000_000_000;
const LATER = NOW + 60_000;
const decision: Decision = { at: NOW, by: 'api-key:1', by_name: 'admin', via: 'api', note: undefined };

function waiting(id: string, changes: Partial<NewApproval> = {}): NewApproval {
  return {
    id,
    principal: 'virtual-key:ada',
    principal_name: 'ada',
    binding: 'b',
    client_id: 'c',
    client_name: 'c1',
    tool: 'echo',
    arguments_digest: 'd',
    arguments: '{"text":"hi"}',
    is_content_kept: true,
    source: 'mcp',
    app: undefined,
    created_at: NOW,
    expires_at: LATER,
    ...changes,
  };
}

describe.each(DATABASES)('on %s', (type) => {
  async function open() {
    const database = await openTestDatabase(type);
    const store = createApprovalStore(database.db, createEncryption(randomBytes(32)));
    return { store, [Symbol.asyncDispose]: () => database.close() };
  }

  test('of one binding only one waits, and what is over makes room', async () => {
    await using scene = await open();
    const { store } = scene;
    expect([await store.insert(waiting('1')), await store.insert(waiting('2'))]).toEqual([true, false]);
    expect((await store.findLive('b', NOW))?.id).toBe('1');
    expect(await store.findLive('b', LATER)).toBeUndefined();
    expect((await store.find('1', LATER))?.status).toBe('expired');
    expect(await store.insert(waiting('3', { created_at: LATER, expires_at: LATER + 1 }))).toBe(true);
    expect((await store.findLive('b', LATER))?.id).toBe('3');
  });

  test('it is used once, when it is approved and in time, and given back only to nobody else', async () => {
    await using scene = await open();
    const { store } = scene;
    await store.insert(waiting('1'));
    expect(await store.use('1', NOW)).toBe(false);
    expect(await store.decide('1', ['pending'], 'approved', decision, LATER)).toBe(true);
    expect(await store.decide('1', ['pending'], 'denied', decision, LATER)).toBe(false);
    expect(await store.use('1', LATER)).toBe(false);
    expect([await store.use('1', NOW), await store.use('1', NOW)]).toEqual([true, false]);
    await store.giveBack('1', 'b');
    expect((await store.findLive('b', NOW))?.status).toBe('approved');
    expect(await store.use('1', NOW)).toBe(true);
    await store.insert(waiting('2'));
    await store.giveBack('1', 'b');
    expect((await store.find('1', NOW))?.status).toBe('used');
    expect((await store.findLive('b', NOW))?.id).toBe('2');
  });

  test('what used it goes on once, under its own state and binding', async () => {
    await using scene = await open();
    const { store } = scene;
    await store.insert(waiting('1'));
    await store.decide('1', ['pending'], 'approved', decision, LATER);
    await store.letContinue('1', 'early');
    expect(await store.resume('b', 'early')).toBeUndefined();
    await store.use('1', NOW);
    await store.letContinue('1', 'state');
    expect([await store.resume('other', 'state'), await store.resume('b', 'other')]).toEqual([undefined, undefined]);
    expect(await Promise.all([store.resume('b', 'state'), store.resume('b', 'state')])).toContain('1');
    expect(await store.resume('b', 'state')).toBeUndefined();
  });

  test('a sweep forgets arguments that are not kept, and then everything that is old', async () => {
    await using scene = await open();
    const { store } = scene;
    await store.insert(waiting('kept', { binding: 'k' }));
    await store.insert(waiting('not kept', { is_content_kept: false }));
    const texts = async (now: number) =>
      (await store.list({}, { limit: 9, offset: 0 }, now)).map((each) => [each.id, each.arguments]);
    await store.sweep(NOW, NOW);
    expect(await texts(NOW)).toEqual([
      ['kept', '{"text":"hi"}'],
      ['not kept', '{"text":"hi"}'],
    ]);
    await store.sweep(LATER, NOW);
    expect(await texts(LATER)).toEqual([
      ['kept', '{"text":"hi"}'],
      ['not kept', undefined],
    ]);
    await store.sweep(LATER + 1, LATER);
    expect(await store.count({}, LATER)).toBe(0);
  });
});
