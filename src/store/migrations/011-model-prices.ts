import { dropTables, type ReversibleMigration } from './reversible.ts';

/** What models cost, where the operator knows better than the price sheet. */
export function modelPrices(): ReversibleMigration {
  return {
    async up(db) {
      await db.schema
        .createTable('model_prices')
        .addColumn('id', 'text', (column) => column.primaryKey().notNull())
        .addColumn('name', 'text', (column) => column.notNull())
        .addColumn('provider', 'text', (column) => column.notNull())
        .addColumn('match_type', 'text', (column) => column.notNull())
        .addColumn('pattern', 'text', (column) => column.notNull())
        .addColumn('input', 'double precision', (column) => column.notNull())
        .addColumn('output', 'double precision', (column) => column.notNull())
        .addColumn('cache_read', 'double precision')
        .addColumn('cache_write', 'double precision')
        .addColumn('created_at', 'bigint', (column) => column.notNull())
        .addColumn('updated_at', 'bigint', (column) => column.notNull())
        .addUniqueConstraint('model_prices_name_key', ['name'])
        .addUniqueConstraint('model_prices_pattern_key', ['provider', 'match_type', 'pattern'])
        .execute();
    },
    async down(db) {
      await dropTables(db, 'model_prices');
    },
  };
}
