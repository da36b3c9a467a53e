import type { Kysely } from 'kysely';
import type { Tables } from '../schema.ts';
import { dropTables, type ReversibleMigration } from './reversible.ts';

/** Accounts of people, and the browsers in which they have signed in. */
export function accounts(): ReversibleMigration {
  return {
    async up(db) {
      await createUsers(db);
      await createSessions(db);
      await grantAdmin(db as Kysely<Tables>); // api_keys is from the first migration
    },
    async down(db) {
      await revokeAdmin(db as Kysely<Tables>);
      await dropTables(db, 'web_sessions', 'users');
    },
  };
}

async function createUsers(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('users')
    .addColumn('id', 'text', (column) => column.primaryKey().notNull())
    .addColumn('username', 'text', (column) => column.notNull())
    .addColumn('username_key', 'text', (column) => column.notNull())
    .addColumn('password_hash', 'text')
    .addColumn('role', 'text', (column) => column.notNull())
    .addColumn('origin', 'text', (column) => column.notNull())
    .addColumn('sso_subject', 'text')
    .addColumn('is_active', 'integer', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('updated_at', 'bigint', (column) => column.notNull())
    .addColumn('last_login_at', 'bigint')
    .addUniqueConstraint('users_username_key_key', ['username_key'])
    .addUniqueConstraint('users_sso_subject_key', ['sso_subject'])
    .execute();
}

async function createSessions(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('web_sessions')
    .addColumn('token_hash', 'text', (column) => column.primaryKey().notNull())
    .addColumn('user_id', 'text', (column) => column.notNull().references('users.id').onDelete('cascade'))
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addColumn('created_at', 'bigint', (column) => column.notNull())
    .addColumn('ip', 'text')
    .addColumn('user_agent', 'text')
    .execute();
  await db.schema.createIndex('web_sessions_user_id').on('web_sessions').column('user_id').execute();
  await db.schema.createIndex('web_sessions_expires_at').on('web_sessions').column('expires_at').execute();
}

/** Keys that had every scope there was, such as the first one, keep every scope there is. */
async function grantAdmin(db: Kysely<Tables>): Promise<void> {
  for (const { id, scopes } of await db.selectFrom('api_keys').select(['id', 'scopes']).execute()) {
    const granted = JSON.parse(scopes) as string[];
    if (!['read', 'write', 'mcp'].every((scope) => granted.includes(scope))) continue;
    const all = JSON.stringify([...granted, 'admin']);
    await db.updateTable('api_keys').set({ scopes: all }).where('id', '=', id).execute();
  }
}

/** Versions before accounts know no such scope. To them, a key that may read, write and call may do everything there is. */
async function revokeAdmin(db: Kysely<Tables>): Promise<void> {
  for (const { id, scopes } of await db.selectFrom('api_keys').select(['id', 'scopes']).execute()) {
    const granted = (JSON.parse(scopes) as string[]).filter((scope) => scope !== 'admin');
    await db
      .updateTable('api_keys')
      .set({ scopes: JSON.stringify(granted) })
      .where('id', '=', id)
      .execute();
  }
}
