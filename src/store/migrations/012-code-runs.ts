import { dropTables, type ReversibleMigration } from './reversible.ts';

/** Runs of code that wait for a person. */
export function codeRuns(): ReversibleMigration {
  return {
    async up({ schema }) {
      await schema
        .createTable('code_runs')
        .addColumn('id', 'text', (column) => column.primaryKey().notNull())
        .addColumn('principal', 'text', (column) => column.notNull())
        .addColumn('state', 'text', (column) => column.notNull())
        .addColumn('expires_at', 'bigint', (column) => column.notNull())
        .execute();
      for (const column of ['principal', 'expires_at'])
        await schema.createIndex(`code_runs_${column}`).on('code_runs').column(column).execute();
    },
    async down(db) {
      await dropTables(db, 'code_runs');
    },
  };
}
