import type { Budget } from '../store/governance.ts';
import type { Actor, Change } from './audit.ts';
import type { DirectoryDeps } from './directory-deps.ts';
import { findKey, viewBudgetOf, viewKey } from './directory-views.ts';
import { announce, auditContext, unknownEntity, writeRecorded } from './directory-writes.ts';
import { budgetsOf, effectiveLimit, endOverride, overrideBudget, rotateKey, withBudget } from './key-changes.ts';
import type { BudgetOfKey, KeyDirectory, OverrideView } from './key-directory.ts';
import { invalid } from './limit-rules.ts';
import { entityChange } from './recorded-changes.ts';

type Actions = Pick<KeyDirectory, 'rotate' | 'rotateAll' | 'override' | 'endOverride'>;

/** What is done to virtual keys besides editing them. */
export function createKeyActions(deps: DirectoryDeps): Actions {
  return { ...createRotations(deps), ...createOverrides(deps) };
}

function createRotations(deps: DirectoryDeps): Pick<Actions, 'rotate' | 'rotateAll'> {
  const { stores, changes } = deps;
  const context = auditContext(deps);

  const rotateAll = async (
    ids: readonly string[],
    actor: Actor,
    unknown: (id: string, index: number) => Error,
  ): Promise<void> => {
    await writeRecorded(deps, actor, async (at) => {
      const now = Date.now();
      const record: Change[] = [];
      for (const [index, id] of ids.entries()) {
        const stored = await at.keys.find(id);
        if (stored === undefined) throw unknown(id, index);
        const before = await viewKey(at, id, context);
        await at.keys.update(rotateKey(stored, deps.settings().vk_rotation_cooldown, now));
        record.push(...entityChange('virtual_key', before, await viewKey(at, id, context), 'rotate'));
      }
      return { result: undefined, record };
    });
    await announce(changes, 'virtual_keys', ids);
  };

  return {
    async rotate(id, actor) {
      await rotateAll([id], actor, () => unknownEntity('virtual key', id));
      return viewKey(stores, id, deps);
    },

    async rotateAll(ids, actor) {
      const unique = [...new Set(ids)];
      await rotateAll(unique, actor, (id) => invalid(`ids[${ids.indexOf(id)}]`, `there is no virtual key "${id}"`));
      return Promise.all(unique.map((id) => viewKey(stores, id, deps)));
    },
  };
}

function createOverrides(deps: DirectoryDeps): Pick<Actions, 'override' | 'endOverride'> {
  const { changes } = deps;

  const apply = async (
    { id, budgetId }: BudgetOfKey,
    actor: Actor,
    change: (budget: Budget, now: number) => Budget,
  ): Promise<OverrideView> => {
    const now = Date.now();
    const result = await writeRecorded(deps, actor, async (at) => {
      const key = await findKey(at, id);
      const stored = budgetsOf(key).find((budget) => budget.id === budgetId);
      if (stored === undefined) throw unknownEntity('budget', budgetId);
      const next = change(stored, now);
      await at.keys.update({ ...withBudget(key, next), updated_at: now });
      const [before, after] = [viewBudgetOf(key, stored, deps), viewBudgetOf(key, next, deps)];
      const [was, is] = [stored, next].map((budget) => budget.override_amount !== undefined);
      const action = !is ? 'delete' : was ? 'update' : 'create';
      const view = { budget: after, effective_max_limit: effectiveLimit(next, now) };
      return {
        result: view,
        record: [{ action, entity: 'budget_override', id: budgetId, name: key.name, before, after }],
      };
    });
    await announce(changes, 'virtual_keys', [id]);
    return result;
  };

  return {
    override: (budget, body, actor) =>
      apply(budget, actor, (stored, now) => overrideBudget(stored, body, deps.windowEnd, now)),
    endOverride: (budget, actor) => apply(budget, actor, endOverride),
  };
}
