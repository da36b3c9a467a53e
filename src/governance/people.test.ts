import { expect, test } from 'vitest';
import { openTestDatabase } from '../../test/kit/databases.ts';
import { unexpected } from '../../test/kit/ledger.ts';
import { createChanges } from '../store/changes.ts';
import { createUserStore, type User } from '../store/users.ts';
import { createPeople } from './people.ts';

const ADA: User = {
  id: 'ada',
  username: 'Ada',
  password_hash: undefined,
  role: 'admin',
  origin: 'sso',
  sso_subject: 'https://idp 7',
  is_active: true,
  created_at: 1_764_000_000_000,
  updated_at: 1_764_000_000_000,
  last_login_at: undefined,
};
const AWAY = new Error('the database is away');

test('while accounts cannot be read nobody is told that theirs is gone, and they are known again when they can', async () => {
  await using database = await openTestDatabase('sqlite');
  const users = createUserStore(database.db);
  await users.insert(ADA);
  const changes = await createChanges(database, unexpected);
  const errors: unknown[] = [];
  let isAway = false;
  const people = await createPeople({
    users: { list: (page) => (isAway ? Promise.reject(AWAY) : users.list(page)) },
    changes,
    onError: (error) => void errors.push(error),
  });
  expect([people.find('ada')?.name, people.find('bob')]).toEqual(['Ada', undefined]);
  isAway = true;
  await changes.publish('users', 'bob');
  expect(errors).toEqual([AWAY]);
  expect(() => people.find('ada')).toThrow(expect.objectContaining({ code: 'database_unavailable' }) as Error);
  isAway = false;
  await expect.poll(() => people.find('ada')?.name).toBe('Ada');
  await users.update({ ...ADA, is_active: false });
  await changes.publish('users', 'ada');
  expect(people.find('ada')).toBeUndefined();
});
