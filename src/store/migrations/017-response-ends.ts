import { dropTables, type ReversibleMigration } from './reversible.ts';

/** How runs of agents ended whose answers are responses that can be continued. */
export function responseEnds(): ReversibleMigration {
  return {
    async up({ schema }) {
      await schema
        .createTable('response_ends')
        .addColumn('id', 'text', (column) => column.primaryKey().notNull())
        .addColumn('content', 'text', (column) => column.notNull())
        .addColumn('expires_at', 'bigint', (column) => column.notNull())
        .execute();
      await schema.createIndex('response_ends_expires_at').on('response_ends').column('expires_at').execute();
    },
    async down(db) {
      await dropTables(db, 'response_ends');
    },
  };
}
