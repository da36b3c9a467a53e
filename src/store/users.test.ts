import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { DATABASES, openTestDatabase } from '../../test/kit/databases.ts';
import { createAccountStore } from './accounts.ts';
import { accounts as migration } from './migrations/006-accounts.ts';
import { createSessionStore } from './sessions.ts';
import { createUserStore, type User } from './users.ts';

function user(username: string, more: Partial<User> = {}): User {
  return {
    id: `id-${username}`,
    username,
    password_hash: 'hash',
    role: 'viewer',
    origin: 'local',
    sso_subject: undefined,
    is_active: true,
    created_at: 1_764_000_000_000,
    updated_at: 1_764_000_000_000,
    last_login_at: undefined,
    ...more,
  };
}

describe.each(DATABASES)('on %s', (type) => {
  test('an account comes back as it was written, by id, by name in any case, by subject', async () => {
    await using database = await openTestDatabase(type);
    const users = createUserStore(database.db);
    const ann = user('Änn', { role: 'admin', is_active: false });
    const bob = user('bob', { origin: 'sso', password_hash: undefined, sso_subject: 'https://idp 7' });
    for (const each of [ann, bob]) await users.insert(each);
    expect(await users.find(ann.id)).toEqual(ann);
    expect(await users.findByName(' äNN ')).toEqual(ann);
    expect(await users.findByName('A\u0308nn')).toEqual(ann); // the same letters in other code points
    expect(await users.findBySubject('https://idp 7')).toEqual(bob);
    expect(await users.findBySubject('7')).toBeUndefined();
    for (const name of ['', 'a\0b', '\ud800', 'nobody']) expect(await users.findByName(name)).toBeUndefined();
    await users.noteLogin(bob.id, 1_764_000_000_001);
    await users.update({ ...bob, username: 'ben', last_login_at: undefined });
    expect(await users.find(bob.id)).toEqual({ ...bob, username: 'ben', last_login_at: 1_764_000_000_001 });
    expect([await users.remove(bob.id), await users.remove(bob.id)]).toEqual([true, false]);
  });

  test('a name or a subject belongs to one account', async () => {
    await using database = await openTestDatabase(type);
    const users = createUserStore(database.db);
    await users.insert(user('ann', { sso_subject: 's' }));
    const conflict = { code: 'conflict' };
    await expect(users.insert(user('ANN', { id: '2' }))).rejects.toMatchObject(conflict);
    await expect(users.insert(user('eve', { sso_subject: 's' }))).rejects.toMatchObject(conflict);
    await users.insert(user('bob'));
    await expect(users.update(user('Ann', { id: 'id-bob' }))).rejects.toMatchObject(conflict);
  });

  test('accounts are listed in pages, and admins and passwords counted', async () => {
    await using database = await openTestDatabase(type);
    const users = createUserStore(database.db);
    expect([await users.hasPasswords(), await users.countAdmins({})]).toEqual([false, 0]);
    await users.insert(user('a%b', { role: 'admin', is_active: false, created_at: 1, password_hash: undefined }));
    await users.insert(user('Bob', { role: 'admin', created_at: 2 }));
    await users.insert(user('rob', { created_at: 3 }));
    expect([await users.hasPasswords(), await users.countAdmins({})]).toEqual([true, 2]);
    expect(await users.countAdmins({ isActive: true })).toBe(1);
    const names = async (page: Parameters<typeof users.list>[0]) => {
      const { users: found, total_count } = await users.list(page);
      return [total_count, ...found.map(({ username }) => username)];
    };
    expect(await names({})).toEqual([3, 'a%b', 'Bob', 'rob']);
    expect(await names({ search: 'OB', limit: 1 })).toEqual([2, 'Bob']);
    expect(await names({ search: '%' })).toEqual([1, 'a%b']);
    expect(await names({ offset: 2 })).toEqual([3, 'rob']);
  });

  test('a session is found by its token until it expires or ends, and is not kept as it is', async () => {
    await using database = await openTestDatabase(type);
    const users = createUserStore(database.db);
    const sessions = createSessionStore(database.db);
    await users.insert(user('ann'));
    await users.insert(user('bob', { origin: 'sso' }));
    const open = (token: string, userId: string, expiresAt = 100) =>
      sessions.insert({ token, userId, createdAt: 1, expiresAt, ip: undefined, userAgent: 'x'.repeat(1_000) });
    await open('token-1', 'id-ann');
    await open('token-2', 'id-ann', 50);
    await open('token-3', 'id-bob');
    const found = (now: number) =>
      Promise.all(['token-1', 'token-2', 'token-3'].map((token) => sessions.findUser(token, now)));
    expect(await found(49)).toEqual(['id-ann', 'id-ann', 'id-bob']);
    expect(await found(50)).toEqual(['id-ann', undefined, 'id-bob']);
    expect(await sessions.findUser('', 1)).toBeUndefined();
    const { rows } = await sql`select * from web_sessions`.execute(database.db);
    expect(JSON.stringify(rows)).not.toContain('token-');
    await sessions.removeExpired(50);
    expect(await found(1)).toEqual(['id-ann', undefined, 'id-bob']);
    await sessions.removeOfLocalUsers();
    expect(await found(1)).toEqual([undefined, undefined, 'id-bob']);
    await open('token-1', 'id-ann');
    await sessions.remove('token-3');
    expect(await found(1)).toEqual(['id-ann', undefined, undefined]);
    await open('token-3', 'id-bob');
    await sessions.removeOfUser('id-ann');
    expect(await found(1)).toEqual([undefined, undefined, 'id-bob']);
    await users.remove('id-bob');
    expect(await found(1)).toEqual([undefined, undefined, undefined]);
  });

  test('on the way here, keys with every scope there was get the new one, and no others', async () => {
    await using database = await openTestDatabase(type);
    const keys = createAccountStore(database.db);
    await keys.create({ name: 'all', scopes: ['mcp', 'read', 'write'] });
    await keys.create({ name: 'some', scopes: ['read', 'write'] });
    for (const table of ['web_sessions', 'users']) await database.db.schema.dropTable(table).execute();
    await migration().up(database.db);
    const { api_keys } = await keys.list({});
    expect(api_keys.map(({ scopes }) => scopes)).toEqual([
      ['mcp', 'read', 'write', 'admin'],
      ['read', 'write'],
    ]);
  });
});
