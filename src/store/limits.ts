import type { Selectable } from 'kysely';
import type { Budget, Limited, OwnerKind, RateLimit } from './governance.ts';
import type { Executor } from './schema.ts';
import type { BudgetTable, RateLimitTable } from './tables/governance.ts';

/** A budget or a rate limit together with whose it is. */
export interface Owned<T> {
  readonly owner_kind: OwnerKind;
  readonly owner_id: string;
  readonly limit: T;
}

/** Budgets and rate limits of whatever can have some. They are loaded and written together with their owner. */
export interface LimitStore {
  /** The same store inside a transaction. */
  with(tx: Executor): LimitStore;
  /** By id of the owner, for some owners or all of a kind: two statements, however many they are. */
  load(kind: OwnerKind, ownerIds?: readonly string[]): Promise<(ownerId: string) => Limited>;
  /** Makes these the only ones of an owner. */
  replace(kind: OwnerKind, ownerId: string, limited: Limited): Promise<void>;
  remove(kind: OwnerKind, ownerIds: readonly string[]): Promise<void>;
  /** Every budget there is, oldest first. */
  listBudgets(): Promise<Owned<Budget>[]>;
  /** Every rate limit there is, oldest first. */
  listRateLimits(): Promise<Owned<RateLimit>[]>;
}

const NOTHING: Limited = Object.freeze({ budgets: Object.freeze([]), rate_limit: undefined });

export function createLimitStore(db: Executor): LimitStore {
  const remove = async (kind: OwnerKind, ownerIds: readonly string[]): Promise<void> => {
    if (ownerIds.length === 0) return;
    for (const table of ['budgets', 'rate_limits'] as const) {
      await db.deleteFrom(table).where('owner_kind', '=', kind).where('owner_id', 'in', ownerIds).execute();
    }
  };

  return {
    with: (tx) => createLimitStore(tx),
    remove,

    async load(kind, ownerIds) {
      if (ownerIds?.length === 0) return () => NOTHING;
      const [budgets, limits] = await Promise.all([
        selectBudgets(db)
          .where('owner_kind', '=', kind)
          .$if(ownerIds !== undefined, (query) => query.where('owner_id', 'in', ownerIds ?? []))
          .execute(),
        selectRateLimits(db)
          .where('owner_kind', '=', kind)
          .$if(ownerIds !== undefined, (query) => query.where('owner_id', 'in', ownerIds ?? []))
          .execute(),
      ]);
      const byOwner = Map.groupBy(budgets, (row) => row.owner_id);
      const limitOf = new Map(limits.map((row) => [row.owner_id, toRateLimit(row)]));
      return (ownerId) => ({
        budgets: (byOwner.get(ownerId) ?? []).map(toBudget),
        rate_limit: limitOf.get(ownerId),
      });
    },

    // What is used is counted elsewhere, by id: rows may go and come back as long as they keep theirs.
    async replace(kind, ownerId, { budgets, rate_limit }) {
      await remove(kind, [ownerId]);
      const owner = { owner_kind: kind, owner_id: ownerId };
      const rows = budgets.map((budget) => ({ ...owner, ...fromBudget(budget) }));
      if (rows.length > 0) await db.insertInto('budgets').values(rows).execute();
      if (rate_limit === undefined) return;
      await db
        .insertInto('rate_limits')
        .values({ ...owner, ...fromRateLimit(rate_limit) })
        .execute();
    },

    async listBudgets() {
      const rows = await selectBudgets(db).execute();
      return rows.map((row) => ({ owner_kind: row.owner_kind, owner_id: row.owner_id, limit: toBudget(row) }));
    },

    async listRateLimits() {
      const rows = await selectRateLimits(db).execute();
      return rows.map((row) => ({ owner_kind: row.owner_kind, owner_id: row.owner_id, limit: toRateLimit(row) }));
    },
  };
}

function selectBudgets(db: Executor) {
  return db.selectFrom('budgets').selectAll().orderBy('created_at').orderBy('id');
}

function selectRateLimits(db: Executor) {
  return db.selectFrom('rate_limits').selectAll().orderBy('created_at').orderBy('id');
}

function fromBudget(budget: Budget): Omit<BudgetTable, 'owner_kind' | 'owner_id'> {
  return {
    id: budget.id,
    max_limit: budget.max_limit,
    reset_duration: budget.reset_duration,
    calendar_aligned: Number(budget.calendar_aligned),
    quarter_start_month: budget.quarter_start_month ?? null,
    override_amount: budget.override_amount ?? null,
    override_until: budget.override_until ?? null,
    created_at: budget.created_at,
    updated_at: budget.updated_at,
  };
}

function toBudget({ owner_kind: _kind, owner_id: _owner, ...row }: Selectable<BudgetTable>): Budget {
  return {
    ...row,
    calendar_aligned: row.calendar_aligned === 1,
    quarter_start_month: row.quarter_start_month ?? undefined,
    override_amount: row.override_amount ?? undefined,
    override_until: row.override_until ?? undefined,
  };
}

function fromRateLimit(limit: RateLimit): Omit<RateLimitTable, 'owner_kind' | 'owner_id'> {
  return {
    id: limit.id,
    token_max_limit: limit.token_max_limit ?? null,
    token_reset_duration: limit.token_reset_duration ?? null,
    request_max_limit: limit.request_max_limit ?? null,
    request_reset_duration: limit.request_reset_duration ?? null,
    created_at: limit.created_at,
    updated_at: limit.updated_at,
  };
}

function toRateLimit({ owner_kind: _kind, owner_id: _owner, ...row }: Selectable<RateLimitTable>): RateLimit {
  return {
    ...row,
    token_max_limit: row.token_max_limit ?? undefined,
    token_reset_duration: row.token_reset_duration ?? undefined,
    request_max_limit: row.request_max_limit ?? undefined,
    request_reset_duration: row.request_reset_duration ?? undefined,
  };
}
