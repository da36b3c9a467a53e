import { GatewayError } from '../lib/errors.ts';
import { freeze } from '../lib/freeze.ts';
import { uniqueViolation } from './dialect.ts';
import type { Customer, EntityStore, Team } from './governance.ts';
import { createLimitStore } from './limits.ts';
import type { Executor } from './schema.ts';

/** The customers, with their budgets and limits. */
export function createCustomerStore(db: Executor): EntityStore<Customer> {
  return createOwnerStore<Customer>(db, {
    table: 'customers',
    kind: 'customer',
    columns: () => ({}),
    read: () => ({}),
  });
}

/** The teams, with their budgets and limits. */
export function createTeamStore(db: Executor): EntityStore<Team> {
  return createOwnerStore<Team>(db, {
    table: 'teams',
    kind: 'team',
    columns: ({ customer_id }) => ({ customer_id: customer_id ?? null }),
    read: ({ customer_id }) => ({ customer_id: customer_id ?? undefined }),
  });
}

interface OwnerTable<T extends Customer> {
  readonly table: 'customers' | 'teams';
  readonly kind: 'customer' | 'team';
  /** The columns that customers lack, and how they are read. */
  readonly columns: (entity: T) => { customer_id?: string | null };
  readonly read: (row: { customer_id?: string | null }) => Partial<T>;
}

/** Teams are customers with one more column. */
function createOwnerStore<T extends Customer>(db: Executor, owner: OwnerTable<T>): EntityStore<T> {
  // Both tables take the same statements; kysely has no type for "one of two tables".
  const table = owner.table as 'teams';
  const limits = createLimitStore(db);

  const load = async (ids?: readonly string[]): Promise<T[]> => {
    const rows = await db
      .selectFrom(table)
      .selectAll()
      .$if(ids !== undefined, (query) => query.where('id', 'in', ids ?? []))
      .orderBy('created_at')
      .orderBy('id')
      .execute();
    const limitsOf = await limits.load(owner.kind, ids);
    return rows.map(({ customer_id, ...row }) => {
      const entity = { ...row, config_hash: row.config_hash ?? undefined, ...limitsOf(row.id) };
      return freeze({ ...entity, ...owner.read({ customer_id }) } as unknown as T); // a border: `read` adds what T has
    });
  };

  return {
    with: (tx) => createOwnerStore(tx, owner),
    list: () => load(),
    find: async (id) => (await load([id]))[0],

    async insert(entity) {
      const { id, name, created_at, updated_at, config_hash } = entity;
      const values = { id, name, created_at, updated_at, config_hash: config_hash ?? null, ...owner.columns(entity) };
      await db
        .insertInto(table)
        .values(values)
        .execute()
        .catch((error: unknown) => refuseConflict(error, owner.kind, entity));
      await limits.replace(owner.kind, id, entity);
    },

    async update(entity) {
      const { id, name, updated_at, config_hash } = entity;
      const [result] = await db
        .updateTable(table)
        .set({ name, updated_at, config_hash: config_hash ?? null, ...owner.columns(entity) })
        .where('id', '=', id)
        .execute()
        .catch((error: unknown) => refuseConflict(error, owner.kind, entity));
      if (result?.numUpdatedRows !== 1n) throw new GatewayError('not_found', `There is no ${owner.kind} "${id}"`);
      await limits.replace(owner.kind, id, entity);
    },

    async remove(id) {
      await limits.remove(owner.kind, [id]);
      const result = await db.deleteFrom(table).where('id', '=', id).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
  };
}

function refuseConflict(error: unknown, kind: string, entity: Customer): never {
  const field = uniqueViolation(error);
  if (field !== 'name' && field !== 'id' && field !== 'pkey') throw error;
  const [name, value] = field === 'name' ? ['name', entity.name] : ['id', entity.id];
  const message = `A ${kind} with the ${name} "${value}" already exists`;
  throw new GatewayError('conflict', message, { cause: error, details: { field: name } });
}
