import { sql } from 'kysely';
import { expect, test, vi } from 'vitest';
import { DATABASES, openTestDatabase } from '../../test/kit/databases.ts';
import { createChanges } from '../store/changes.ts';
import { createUserStore, type User } from '../store/users.ts';
import { createPeople } from './people.ts';

const ANN: User = {
  ...{ id: 'ann', username: 'ann', password_hash: undefined, role: 'admin', origin: 'local', sso_subject: undefined },
  ...{ is_active: true, created_at: 1, updated_at: 1, last_login_at: undefined },
};

test.each(DATABASES)(
  'who could not be read for a moment is known again when the database answers (%s)',
  async (type) => {
    await using database = await openTestDatabase(type);
    const errors: unknown[] = [];
    const onError = (error: unknown): void => void errors.push(error);
    const changes = await createChanges(database, onError);
    const users = createUserStore(database.db);
    await users.insert(ANN);
    const people = await createPeople({ users, changes });
    expect(people.find('ann')).toMatchObject({ name: 'ann' });
    await sql`alter table users rename to away`.execute(database.db);
    await changes.publish('users', 'ben');
    // Somebody may have been shut out.
    expect(people.find('ann')).toBeUndefined();
    expect(errors).not.toEqual([]);
    await sql`alter table away rename to users`.execute(database.db);
    await vi.waitFor(() => expect(people.find('ann')).toMatchObject({ name: 'ann' }), 10_000);
    await changes.close();
  },
);
