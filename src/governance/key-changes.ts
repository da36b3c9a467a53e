import type { BudgetOverride } from '../contract/governance.ts';
import { Secret } from '../lib/secret.ts';
import { hashKeyValue, newKeyValue } from '../lib/virtual-key.ts';
import type { Budget, VirtualKey } from '../store/governance.ts';
import { invalid } from './limit-rules.ts';

/** The key with a new value. The former one works for the grace period, and the one before it no longer. */
export function rotateKey(stored: VirtualKey, graceSeconds: number, now: number): VirtualKey {
  const value = Secret.parse(newKeyValue());
  const hasGrace = graceSeconds > 0;
  return {
    ...stored,
    value,
    value_hash: hashKeyValue(value.resolve()),
    previous_value_hash: hasGrace ? stored.value_hash : undefined,
    previous_expires_at: hasGrace ? now + graceSeconds * 1000 : undefined,
    updated_at: now,
  };
}

/** All budgets of a key: its own and those of its providers. */
export function budgetsOf({ budgets, provider_configs }: VirtualKey): Budget[] {
  return [...budgets, ...provider_configs.flatMap((config) => config.budgets)];
}

/** The key with one of its budgets replaced. */
export function withBudget(key: VirtualKey, next: Budget): VirtualKey {
  const replace = (budgets: readonly Budget[]) => budgets.map((budget) => (budget.id === next.id ? next : budget));
  return {
    ...key,
    budgets: replace(key.budgets),
    provider_configs: key.provider_configs.map((config) => ({ ...config, budgets: replace(config.budgets) })),
  };
}

/** When the window of a budget that contains a moment ends, epoch milliseconds. */
export type WindowEnd = (budget: Budget, at: number) => number;

/** The budget with more room, until so many windows have passed, or for ever. */
export function overrideBudget(budget: Budget, body: BudgetOverride, windowEnd: WindowEnd, now: number): Budget {
  if (body.mode === 'forever' && typeof body.cycles === 'number')
    throw invalid('cycles', 'goes with mode "cycles" only');
  let until: number | undefined;
  if (body.mode === 'cycles') {
    until = now;
    for (let cycle = 0; cycle < (body.cycles ?? 1); cycle += 1) until = windowEnd(budget, until);
  }
  return { ...budget, override_amount: body.amount, override_until: until, updated_at: now };
}

/** The budget as it was before it was overridden. */
export function endOverride(budget: Budget, now: number): Budget {
  return { ...budget, override_amount: undefined, override_until: undefined, updated_at: now };
}

/** What may be spent of a budget at a moment, USD. */
export function effectiveLimit({ max_limit, override_amount = 0, override_until }: Budget, now: number): number {
  return max_limit + (override_until === undefined || override_until > now ? override_amount : 0);
}
