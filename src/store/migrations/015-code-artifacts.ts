import { dropTables, type ReversibleMigration } from './reversible.ts';

/** What runs of code keep for the next run of their session. */
export function codeArtifacts(): ReversibleMigration {
  return {
    async up({ schema }) {
      await schema
        .createTable('code_artifacts')
        .addColumn('id', 'text', (column) => column.primaryKey().notNull())
        .addColumn('principal', 'text', (column) => column.notNull())
        .addColumn('content', 'text', (column) => column.notNull())
        .addColumn('size', 'integer', (column) => column.notNull())
        .addColumn('expires_at', 'bigint', (column) => column.notNull())
        .execute();
      for (const column of ['principal', 'expires_at'])
        await schema.createIndex(`code_artifacts_${column}`).on('code_artifacts').column(column).execute();
    },
    async down(db) {
      await dropTables(db, 'code_artifacts');
    },
  };
}
