import { expect, test } from 'vitest';
import { DATABASES, openTestDatabase } from '../../test/kit/databases.ts';
import { createGrantStore } from './grants.ts';

test.each(DATABASES)('a grant to a key or of a server that is gone is a conflict, on %s', async (type) => {
  await using database = await openTestDatabase(type);
  const grants = createGrantStore(database.db);
  const grant = { virtual_key_id: 'gone', client_id: 'gone', tools_to_execute: ['*'] };
  await expect(grants.replaceOfClient('gone', [grant])).rejects.toMatchObject({ code: 'conflict' });
  await expect(grants.replaceOfKey('gone', [grant])).rejects.toMatchObject({ code: 'conflict' });
});
