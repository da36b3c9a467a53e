import type { AuditAction } from '../contract/audit.ts';
import type { BudgetView } from '../contract/governance.ts';
import type { Change } from './audit.ts';

type Named = { readonly id: string; readonly name: string };
type Kind = 'virtual_key' | 'team' | 'customer' | 'pricing_override';

/** What was done to a key, team, customer or price, from its views before and after; undefined when it neither was nor is there. */
export function entityChange(
  entity: Kind,
  before: Named | undefined,
  after: Named | undefined,
  action: AuditAction = before === undefined ? 'create' : after === undefined ? 'delete' : 'update',
): Change[] {
  const subject = after ?? before;
  return subject === undefined ? [] : [{ action, entity, id: subject.id, name: subject.name, before, after }];
}

/** That what was used of these budgets no longer counts, one entry for each. */
export function budgetResets(owner: Named, budgets: readonly BudgetView[]): Change[] {
  return budgets.map((before) => {
    const after = { ...before, current_usage: 0 };
    return { action: 'reset', entity: 'budget', id: before.id, name: owner.name, before, after };
  });
}
