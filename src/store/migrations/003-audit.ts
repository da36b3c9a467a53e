import { sql, type Kysely } from 'kysely';
import type { DatabaseDialect } from '../dialect.ts';
import { dropTables, type ReversibleMigration } from './reversible.ts';

/** The record of every management write, which the database itself refuses to change. */
export function audit(dialect: DatabaseDialect): ReversibleMigration {
  return {
    async up(db) {
      await createAuditLogs(db);
      for (const statement of APPEND_ONLY[dialect.type]) await sql.raw(statement).execute(db);
    },
    async down(db) {
      await dropTables(db, 'audit_logs');
      if (dialect.type === 'postgres') await sql`drop function audit_logs_refuse()`.execute(db);
    },
  };
}

async function createAuditLogs(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('audit_logs')
    // Numbered by the store, without gaps, so that a number that is absent tells of a row that was removed.
    .addColumn('id', 'integer', (column) => column.primaryKey().notNull())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addColumn('actor', 'text', (column) => column.notNull())
    .addColumn('actor_name', 'text', (column) => column.notNull())
    .addColumn('action', 'text', (column) => column.notNull())
    .addColumn('entity', 'text', (column) => column.notNull())
    .addColumn('entity_id', 'text', (column) => column.notNull())
    .addColumn('entity_name', 'text', (column) => column.notNull())
    .addColumn('before', 'text')
    .addColumn('after', 'text')
    .addColumn('request', 'text')
    .addColumn('previous_hash', 'text', (column) => column.notNull())
    .addColumn('hash', 'text', (column) => column.notNull())
    .execute();
  await db.schema.createIndex('audit_logs_at').on('audit_logs').column('at').execute();
  await db.schema.createIndex('audit_logs_entity').on('audit_logs').columns(['entity', 'entity_id']).execute();
}

/** A safeguard against accidents. Whoever may drop a trigger can pass it, which the chain of hashes then shows. */
const APPEND_ONLY = {
  sqlite: [
    refuseOnSqlite('update'),
    refuseOnSqlite('delete'),
    // "insert or replace" deletes without asking the trigger above.
    refuseOnSqlite('insert', 'when exists (select 1 from audit_logs where id = new.id)'),
  ],
  postgres: [
    `create function audit_logs_refuse() returns trigger language plpgsql as
      $$ begin raise exception 'audit_logs is append-only'; end $$`,
    `create trigger audit_logs_append_only before update or delete or truncate on audit_logs
      for each statement execute function audit_logs_refuse()`,
  ],
} as const satisfies Record<DatabaseDialect['type'], readonly string[]>;

function refuseOnSqlite(event: 'update' | 'delete' | 'insert', condition = ''): string {
  return `create trigger audit_logs_no_${event} before ${event} on audit_logs ${condition}
    begin select raise(abort, 'audit_logs is append-only'); end`;
}
