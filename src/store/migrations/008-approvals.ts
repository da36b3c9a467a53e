import { dropTables, type ReversibleMigration } from './reversible.ts';

/** Calls that wait for a person, and which tools make them wait. */
export function approvals(): ReversibleMigration {
  return {
    async up({ schema }) {
      await schema
        .alterTable('mcp_clients')
        .addColumn('tools_to_approve', 'text', (column) => column.notNull().defaultTo('[]'))
        .execute();
      await schema
        .alterTable('mcp_clients')
        .addColumn('approval_by', 'text', (column) => column.notNull().defaultTo('manager'))
        .execute();
      await schema
        .createTable('mcp_approvals')
        .addColumn('id', 'text', (column) => column.primaryKey().notNull())
        .addColumn('principal', 'text', (column) => column.notNull())
        .addColumn('principal_name', 'text', (column) => column.notNull())
        .addColumn('binding', 'text', (column) => column.notNull())
        .addColumn('live_binding', 'text')
        .addColumn('client_id', 'text', (column) => column.notNull())
        .addColumn('client_name', 'text', (column) => column.notNull())
        .addColumn('tool', 'text', (column) => column.notNull())
        .addColumn('arguments_digest', 'text', (column) => column.notNull())
        .addColumn('arguments', 'text')
        .addColumn('is_content_kept', 'integer', (column) => column.notNull())
        .addColumn('source', 'text', (column) => column.notNull())
        .addColumn('app', 'text')
        .addColumn('status', 'text', (column) => column.notNull())
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('expires_at', 'bigint', (column) => column.notNull())
        .addColumn('decided_at', 'bigint')
        .addColumn('decided_by', 'text')
        .addColumn('decided_by_name', 'text')
        .addColumn('decided_via', 'text')
        .addColumn('note', 'text')
        .addColumn('used_at', 'bigint')
        .addColumn('continues', 'text')
        .addUniqueConstraint('mcp_approvals_live_binding_key', ['live_binding'])
        .execute();
      for (const column of ['created_at', 'principal', 'continues'])
        await schema.createIndex(`mcp_approvals_${column}`).on('mcp_approvals').column(column).execute();
    },
    async down(db) {
      await dropTables(db, 'mcp_approvals');
      for (const column of ['approval_by', 'tools_to_approve'])
        await db.schema.alterTable('mcp_clients').dropColumn(column).execute();
    },
  };
}
