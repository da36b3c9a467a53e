import type { Selectable } from 'kysely';
import { GatewayError } from '../lib/errors.ts';
import { uniqueViolation } from './dialect.ts';
import type { Executor } from './schema.ts';
import type { ModelPriceTable } from './tables/models.ts';

/** What a model costs by the operator's own word. */
export type ModelPrice = Readonly<Selectable<ModelPriceTable>>;

/** The prices that overrule the price sheet. */
export interface ModelPriceStore {
  /** The same store inside a transaction. */
  with(tx: Executor): ModelPriceStore;
  /** In the order in which they were made. */
  list(): Promise<ModelPrice[]>;
  find(id: string): Promise<ModelPrice | undefined>;
  insert(price: ModelPrice): Promise<void>;
  update(price: ModelPrice): Promise<void>;
  /** False when there was none. */
  remove(id: string): Promise<boolean>;
}

export function createModelPriceStore(db: Executor): ModelPriceStore {
  return {
    with: (tx) => createModelPriceStore(tx),
    list: () => db.selectFrom('model_prices').selectAll().orderBy('created_at').orderBy('id').execute(),
    find: (id) => db.selectFrom('model_prices').selectAll().where('id', '=', id).executeTakeFirst(),
    async insert(price) {
      const query = db.insertInto('model_prices').values(price);
      await query.execute().catch((error: unknown) => refuseConflict(error, price));
    },
    async update(price) {
      const { id, ...fields } = price;
      const query = db.updateTable('model_prices').set(fields).where('id', '=', id);
      const [result] = await query.execute().catch((error: unknown) => refuseConflict(error, price));
      if (result?.numUpdatedRows !== 1n) throw new GatewayError('not_found', `there is no pricing override "${id}"`);
    },
    async remove(id) {
      const result = await db.deleteFrom('model_prices').where('id', '=', id).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
  };
}

function refuseConflict(error: unknown, { id, name, pattern }: ModelPrice): never {
  const column = uniqueViolation(error);
  if (column === undefined) throw error;
  const refuse = (field: string, message: string): never => {
    throw new GatewayError('conflict', message, { cause: error, details: { field } });
  };
  if (column === 'name') return refuse('name', `A pricing override with the name "${name}" already exists`);
  if (column === 'id' || column === 'pkey')
    return refuse('id', `A pricing override with the id "${id}" already exists`);
  const rule = `another pricing override has the same scope, match type and pattern "${pattern}"; change that one`;
  return refuse('pattern', `pattern: ${rule}`);
}
