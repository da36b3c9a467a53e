import type { ReversibleMigration } from './reversible.ts';

/** The processes on this database, and what a session of a client has asked for. */
export function nodes(): ReversibleMigration {
  return {
    async up({ schema }) {
      await schema
        .createTable('nodes')
        .addColumn('id', 'text', (column) => column.primaryKey().notNull())
        .addColumn('address', 'text', (column) => column.notNull())
        .addColumn('is_draining', 'integer', (column) => column.notNull())
        .addColumn('beat', 'bigint', (column) => column.notNull())
        .execute();
      await schema
        .createTable('mcp_session_states')
        .addColumn('id', 'text', (column) => column.primaryKey().notNull())
        .addColumn('log_level', 'text')
        .addColumn('resources', 'text', (column) => column.notNull())
        .addColumn('is_ended', 'integer', (column) => column.notNull())
        .addColumn('updated_at', 'bigint', (column) => column.notNull())
        .execute();
      await schema.createIndex('mcp_session_states_updated_at').on('mcp_session_states').column('updated_at').execute();
    },
    async down({ schema }) {
      await schema.dropTable('mcp_session_states').execute();
      await schema.dropTable('nodes').execute();
    },
  };
}
