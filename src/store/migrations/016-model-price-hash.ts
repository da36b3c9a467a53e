import type { ReversibleMigration } from './reversible.ts';

/** What entry of config.json a price was last written from. */
export function modelPriceHash(): ReversibleMigration {
  return {
    async up({ schema }) {
      await schema.alterTable('model_prices').addColumn('config_hash', 'text').execute();
    },
    async down({ schema }) {
      await schema.alterTable('model_prices').dropColumn('config_hash').execute();
    },
  };
}
