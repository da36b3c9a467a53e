import { randomBytes } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { DATABASES, openTestDatabase } from '../../test/kit/databases.ts';
import { createEncryption, KEY_BYTES } from '../lib/encryption.ts';
import { createOAuthModelStore, hashModelId } from './oauth-models.ts';
import { createOAuthSessionStore } from './oauth-sessions.ts';
import { createSettingsStore } from './settings.ts';
import { createSigningKeyStore } from './signing-keys.ts';

const encryption = createEncryption(randomBytes(KEY_BYTES));
const later = () => Date.now() + 60_000;

describe.each(DATABASES)('on %s', (type) => {
  test('a model is found by its id and its uid, and neither stands in the table, nor its content', async () => {
    await using database = await openTestDatabase(type);
    const models = createOAuthModelStore(database.db, encryption);
    const payload = { jti: 'the-id', secret: 'the-content' };
    await models.save({ kind: 'Session', id: 'the-id', uid: 'the-uid', grantId: 'g', payload, expiresAt: later() });
    expect(await models.find('Session', 'the-id')).toEqual({ payload, consumedAt: undefined });
    expect(await models.findByUid('Session', 'the-uid')).toEqual({ payload, consumedAt: undefined });
    expect(await models.find('RefreshToken', 'the-id')).toBeUndefined();
    const rows = JSON.stringify(await database.db.selectFrom('oauth_models').selectAll().execute());
    for (const secret of ['the-id', 'the-uid', 'the-content']) expect(rows).not.toContain(secret);
  });

  test('of many who consume a model at the same time one gets it, and saving it anew does not bring it back', async () => {
    await using database = await openTestDatabase(type);
    const models = createOAuthModelStore(database.db, encryption);
    const code = { kind: 'AuthorizationCode', id: 'c', payload: { a: 1 }, expiresAt: later() };
    await models.save(code);
    const won = await Promise.all(Array.from({ length: 5 }, () => models.consume('AuthorizationCode', 'c')));
    expect(won.filter(Boolean)).toHaveLength(1);
    await models.save(code);
    expect((await models.find('AuthorizationCode', 'c'))?.consumedAt).toBeGreaterThan(0);
  });

  test('what has expired is not found, and purged; more time is given but never taken', async () => {
    await using database = await openTestDatabase(type);
    const models = createOAuthModelStore(database.db, encryption);
    await models.save({ kind: 'Client', id: 'old', payload: {}, expiresAt: Date.now() - 1 });
    await models.save({ kind: 'Client', id: 'new', payload: {}, expiresAt: later() });
    expect(await models.find('Client', 'old')).toBeUndefined();
    expect(await models.prolong('Client', 'new', 1)).toBe(true);
    expect(await models.find('Client', 'new')).toBeDefined();
    await models.purge(Date.now());
    expect(await models.prolong('Client', 'old', later())).toBe(false);
    expect(await models.prolong('Client', 'new', later())).toBe(true);
  });

  test('a grant goes with all that belongs to it, and with nothing else', async () => {
    await using database = await openTestDatabase(type);
    const models = createOAuthModelStore(database.db, encryption);
    const save = (kind: string, id: string, grantId?: string) =>
      models.save({ kind, id, grantId, payload: {}, expiresAt: later() });
    await save('Grant', 'g1');
    await save('RefreshToken', 'r1', 'g1');
    await save('Grant', 'g2');
    await save('RefreshToken', 'r2', 'g2');
    await models.removeByGrant(hashModelId('g1'));
    const left = await database.db.selectFrom('oauth_models').select('id_hash').execute();
    expect(left.map(({ id_hash }) => id_hash).toSorted()).toEqual(['g2', 'r2'].map(hashModelId).toSorted());
  });

  test('a session is noted, used and ended', async () => {
    await using database = await openTestDatabase(type);
    const sessions = createOAuthSessionStore(database.db);
    const now = Date.now();
    const session = {
      id: 's',
      client_id: 'c',
      client_name: 'Client',
      principal: 'virtual-key:1',
      scopes: ['mcp'],
      created_at: now,
      last_used_at: now,
      expires_at: now + 60_000,
    };
    await sessions.insert(session);
    await sessions.touch('s', { last_used_at: now + 5, expires_at: now + 70_000 });
    expect(await sessions.list()).toEqual([{ ...session, last_used_at: now + 5, expires_at: now + 70_000 }]);
    expect([await sessions.remove('s'), await sessions.remove('s')]).toEqual([true, false]);
    expect(await sessions.find('s')).toBeUndefined();
  });

  test('all processes that start at once have one signing key, which is encrypted, and a new one after a rotation', async () => {
    await using database = await openTestDatabase(type);
    const settings = createSettingsStore(database.db);
    const store = () => createSigningKeyStore(settings, encryption);
    const loaded = await Promise.all([store().load(), store().load()]);
    expect(loaded[0]).toEqual(loaded[1]);
    const { current, publicKey } = loaded[0];
    expect(Object.keys(publicKey).toSorted()).toEqual(['alg', 'e', 'kid', 'kty', 'n', 'use']);
    const rotated = await store().rotate(later());
    expect(rotated.publicKey.kid).not.toBe(publicKey.kid);
    expect(rotated.previous?.publicKey).toEqual(publicKey);
    expect((await store().rotate(Date.now() - 1)).previous).toBeUndefined();
    const rows = JSON.stringify(await database.db.selectFrom('settings').selectAll().execute());
    expect(rows).not.toContain((current as unknown as { d: string }).d);
  });
});
