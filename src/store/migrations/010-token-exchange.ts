import type { Migration } from 'kysely/migration';

/** How the token of a caller is exchanged for one that a server takes. */
export function tokenExchange(): Migration {
  return {
    async up(db) {
      await db.schema.alterTable('mcp_clients').addColumn('token_exchange', 'text').execute();
    },
  };
}
