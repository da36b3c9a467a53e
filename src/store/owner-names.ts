import type { Executor } from './schema.ts';

/** Who a row is and where it belongs. */
export interface NameRow {
  readonly id: string;
  readonly name: string;
  readonly team_id?: string | null;
  readonly customer_id?: string | null;
}

/** Names of teams, customers and virtual keys, for showing what belongs to what without loading it all. */
export interface OwnerNames {
  with(tx: Executor): OwnerNames;
  teams(): Promise<NameRow[]>;
  customers(): Promise<NameRow[]>;
  /** The keys that belong to a team or a customer. */
  attachedKeys(): Promise<NameRow[]>;
}

export function createOwnerNames(db: Executor): OwnerNames {
  return {
    with: (tx) => createOwnerNames(tx),
    teams: () =>
      db.selectFrom('teams').select(['id', 'name', 'customer_id']).orderBy('created_at').orderBy('id').execute(),
    customers: () => db.selectFrom('customers').select(['id', 'name']).orderBy('created_at').orderBy('id').execute(),
    attachedKeys: () =>
      db
        .selectFrom('virtual_keys')
        .select(['id', 'name', 'team_id', 'customer_id'])
        .where((row) => row.or([row('team_id', 'is not', null), row('customer_id', 'is not', null)]))
        .orderBy('created_at')
        .orderBy('id')
        .execute(),
  };
}
