import type { ReversibleMigration } from './reversible.ts';

/** How the token of a caller is exchanged for one that a server takes. */
export function tokenExchange(): ReversibleMigration {
  return {
    async up(db) {
      await db.schema.alterTable('mcp_clients').addColumn('token_exchange', 'text').execute();
    },
    async down(db) {
      await db.schema.alterTable('mcp_clients').dropColumn('token_exchange').execute();
    },
  };
}
