import { randomUUID } from 'node:crypto';
import type { CustomerEntry, PricingOverrideEntry, TeamEntry, VirtualKeyEntry } from '../contract/config.ts';
import type { BudgetInput, CustomerCreate, ProviderConfigInput } from '../contract/governance.ts';
import { Secret } from '../lib/secret.ts';
import { hashKeyValue, newKeyValue } from '../lib/virtual-key.ts';
import type { Customer, Team, VirtualKey } from '../store/governance.ts';
import type { ModelPrice } from '../store/model-prices.ts';
import { applyCustomer, applyKey, applyTeam, blankCustomer, blankKey, type RuleContext } from './entity-rules.ts';
import { applyGrants, type ClientName, type NewGrant } from './grant-rules.ts';
import { invalid } from './limit-rules.ts';
import { toPrice } from './pricing-overrides.ts';

/**
 * The customer that an entry of config.json describes. The file says all there is to say: what it leaves out is the default.
 * Only identity comes from the stored row, so that budgets keep what is used of them.
 */
export function customerFromEntry(entry: CustomerEntry, row: Customer | undefined, context: RuleContext): Customer {
  return applyCustomer(
    row ?? blankCustomer(identity(entry, context)),
    { ...wholeLimits(entry), name: entry.name },
    context,
    true,
  );
}

/** The team that an entry of config.json describes. */
export function teamFromEntry(entry: TeamEntry, row: Team | undefined, context: RuleContext): Team {
  const base = row ?? { ...blankCustomer(identity(entry, context)), customer_id: undefined };
  const body = { ...wholeLimits(entry), name: entry.name, customer_id: entry.customer_id ?? null };
  return applyTeam(base, body, context, true);
}

/** The virtual key that an entry of config.json describes, and its grants. */
export function keyFromEntry(
  entry: VirtualKeyEntry,
  row: VirtualKey | undefined,
  context: RuleContext & { readonly clients: readonly ClientName[] },
): { key: VirtualKey; grants: NewGrant[] } {
  const value = entry.value === undefined ? (row?.value ?? Secret.parse(newKeyValue())) : Secret.parse(entry.value);
  if (value.resolve() === '') throw invalid('value', value.problem ?? 'is empty');
  const base = withValue(row ?? blankKey(identity(entry, context), value), value);
  const key = applyKey(base, wholeKey(entry), context, true);
  return { key, grants: applyGrants([], entry.mcp_configs ?? null, { clients: context.clients, isNew: true }) };
}

/** The price that an entry of config.json describes. */
export function priceFromEntry(entry: PricingOverrideEntry, row: ModelPrice | undefined): ModelPrice {
  const now = Date.now();
  const id = row?.id ?? entry.id ?? randomUUID();
  return toPrice(entry, { id, config_hash: null, created_at: now, updated_at: now });
}

/** The key with its value read from the environment again; undefined when nothing has changed. */
export function refreshValue(key: VirtualKey): VirtualKey | undefined {
  if (key.value.reference === '') return undefined;
  const next = withValue(key, key.value);
  return next.value_hash === key.value_hash ? undefined : next;
}

/** A value that was replaced no longer works, not even for a while. */
function withValue(key: VirtualKey, value: Secret): VirtualKey {
  // Without its variable nothing may open the key: no hash looks like this.
  const value_hash = value.isDangling ? `unset:${key.id}` : hashKeyValue(value.resolve());
  if (value_hash === key.value_hash) return { ...key, value };
  return { ...key, value, value_hash, previous_value_hash: undefined, previous_expires_at: undefined };
}

function identity({ id, name }: { readonly id?: string | undefined; readonly name: string }, { now }: RuleContext) {
  return { id: id ?? randomUUID(), name, now };
}

/** The entry with every absent field at its default: to the rules, absent would mean "as it was". */
function wholeKey(entry: VirtualKeyEntry): VirtualKeyEntry {
  const aligned = entry.calendar_aligned ?? false;
  return {
    ...wholeLimits(entry, aligned),
    name: entry.name,
    description: entry.description ?? null,
    is_active: entry.is_active ?? true,
    provider_configs: (entry.provider_configs ?? []).map((config) => wholeProvider(config, aligned)),
    allow_all_providers: entry.allow_all_providers ?? false,
    team_id: entry.team_id ?? null,
    customer_id: entry.customer_id ?? null,
    calendar_aligned: aligned,
    expires_at: entry.expires_at ?? null,
    delete_after_expire: entry.delete_after_expire ?? null,
    disable_content_logging: entry.disable_content_logging ?? null,
    metadata: entry.metadata ?? null,
  };
}

// Without its id: in a file that is only what its budgets point to.
function wholeProvider({ id: _id, ...config }: ProviderConfigInput, aligned: boolean): ProviderConfigInput {
  return {
    ...wholeLimits(config, aligned),
    provider: config.provider,
    weight: config.weight ?? null,
    allowed_models: config.allowed_models ?? [],
    blacklisted_models: config.blacklisted_models ?? [],
    allow_all_keys: config.allow_all_keys ?? false,
    key_ids: config.key_ids ?? [],
  };
}

function wholeLimits(
  { budgets, budget, rate_limit }: Pick<CustomerCreate, 'budgets' | 'budget' | 'rate_limit'>,
  aligned = false,
) {
  const whole = ({ id: _id, ...entry }: BudgetInput): BudgetInput => ({
    ...entry,
    calendar_aligned: entry.calendar_aligned ?? aligned,
    reset_config: entry.reset_config ?? null,
  });
  return { budgets: (budgets ?? (budget ? [budget] : [])).map(whole), rate_limit: rate_limit ?? null };
}
