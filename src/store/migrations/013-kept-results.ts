import { dropTables, type ReversibleMigration } from './reversible.ts';

/** Results that were too large for a model, for as long as it may read on. */
export function keptResults(): ReversibleMigration {
  return {
    async up({ schema }) {
      await schema
        .createTable('kept_results')
        .addColumn('id', 'text', (column) => column.primaryKey().notNull())
        .addColumn('principal', 'text', (column) => column.notNull())
        .addColumn('tool', 'text', (column) => column.notNull())
        .addColumn('content', 'text', (column) => column.notNull())
        .addColumn('size', 'integer', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('expires_at', 'bigint', (column) => column.notNull())
        .execute();
      for (const column of ['principal', 'expires_at'])
        await schema.createIndex(`kept_results_${column}`).on('kept_results').column(column).execute();
    },
    async down(db) {
      await dropTables(db, 'kept_results');
    },
  };
}
