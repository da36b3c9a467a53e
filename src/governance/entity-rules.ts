import { randomUUID } from 'node:crypto';
import type {
  CustomerCreate,
  CustomerUpdate,
  TeamCreate,
  TeamUpdate,
  VirtualKeyCreate,
  VirtualKeyUpdate,
} from '../contract/governance.ts';
import { Secret, looksMasked } from '../lib/secret.ts';
import { hashKeyValue, newKeyValue } from '../lib/virtual-key.ts';
import type { Customer, Team, VirtualKey } from '../store/governance.ts';
import type { KeyName } from '../store/provider-keys.ts';
import { applyLimits, invalid, type LimitContext } from './limit-rules.ts';
import { applyProviders } from './provider-rules.ts';

/** What else the rules need to know. */
export interface RuleContext {
  readonly now: number;
  readonly hasTeam: (id: string) => boolean;
  readonly hasCustomer: (id: string) => boolean;
  /** The keys of all providers. */
  readonly providerKeys: readonly KeyName[];
}

interface Identity {
  readonly id: string;
  readonly name: string;
  readonly now: number;
}

/** A customer without any settings. */
export function blankCustomer({ id, name, now }: Identity): Customer {
  return { id, name, budgets: [], rate_limit: undefined, config_hash: undefined, created_at: now, updated_at: now };
}

/** A virtual key without any settings: it may do nothing. */
export function blankKey(identity: Identity, value: Secret): VirtualKey {
  return {
    ...blankCustomer(identity),
    description: '',
    value,
    value_hash: hashKeyValue(value.resolve()),
    previous_value_hash: undefined,
    previous_expires_at: undefined,
    is_active: true,
    provider_configs: [],
    allow_all_providers: false,
    team_id: undefined,
    customer_id: undefined,
    calendar_aligned: false,
    expires_at: undefined,
    delete_after_expire: undefined,
    disable_content_logging: undefined,
    metadata: {},
    created_by_user_id: undefined,
  };
}

/** The record of a new customer. */
export function newCustomer(body: CustomerCreate, context: RuleContext): Customer {
  const blank = blankCustomer({ id: randomUUID(), name: body.name, now: context.now });
  return applyCustomer(blank, body, context, true);
}

/** The record of a new team. */
export function newTeam(body: TeamCreate, context: RuleContext): Team {
  const blank = blankCustomer({ id: randomUUID(), name: body.name, now: context.now });
  return applyTeam({ ...blank, customer_id: undefined }, body, context, true);
}

/** The record of a new virtual key. Its value is made here: nobody can choose one that others may guess. */
export function newKey(body: VirtualKeyCreate, context: RuleContext): VirtualKey {
  if (body.value !== undefined) throw invalid('value', 'is made by the gateway and cannot be chosen');
  const identity = { id: randomUUID(), name: body.name, now: context.now };
  return applyKey(blankKey(identity, Secret.parse(newKeyValue())), body, context, true);
}

/** The customer after a partial update: absent keeps; null, "" and [] clear what can be cleared. Pure, as all rules here. */
export function applyCustomer<T extends Customer>(
  stored: T,
  body: CustomerUpdate,
  { now }: RuleContext,
  isNew = false,
): T {
  if (!isNew) checkId(stored.id, body.id);
  const limits = applyLimits(stored, body, { now, isNew, place: '', aligned: false, realigned: undefined });
  return { ...stored, name: body.name ?? stored.name, ...limits, updated_at: now };
}

/** The team after a partial update. */
export function applyTeam(stored: Team, body: TeamUpdate, context: RuleContext, isNew = false): Team {
  const customer_id = reference('customer_id', body.customer_id, stored.customer_id, context.hasCustomer);
  return { ...applyCustomer(stored, body, context, isNew), customer_id };
}

/** The virtual key after a partial update, all but its grants. */
export function applyKey(stored: VirtualKey, body: VirtualKeyUpdate, context: RuleContext, isNew = false): VirtualKey {
  if (!isNew) checkId(stored.id, body.id);
  if (!isNew) checkValue(stored, body.value);
  const calendar_aligned = body.calendar_aligned ?? stored.calendar_aligned;
  const realigned = calendar_aligned === stored.calendar_aligned ? undefined : calendar_aligned;
  const limits = { now: context.now, isNew, aligned: calendar_aligned, realigned } satisfies Partial<LimitContext>;
  return {
    ...stored,
    ...owners(stored, body, context),
    ...applyLimits(stored, body, { ...limits, place: '' }),
    name: body.name ?? stored.name,
    description: body.description === undefined ? stored.description : (body.description ?? ''),
    is_active: body.is_active ?? stored.is_active,
    provider_configs: applyProviders(stored.provider_configs, body.provider_configs, {
      ...limits,
      providerKeys: context.providerKeys,
    }),
    allow_all_providers: body.allow_all_providers ?? stored.allow_all_providers,
    calendar_aligned,
    expires_at: expiry(stored.expires_at, body.expires_at, context.now),
    delete_after_expire: clearable(body.delete_after_expire, stored.delete_after_expire),
    disable_content_logging: clearable(body.disable_content_logging, stored.disable_content_logging),
    metadata: body.metadata === undefined ? stored.metadata : (body.metadata ?? {}),
    updated_at: context.now,
  };
}

function owners(stored: VirtualKey, body: VirtualKeyUpdate, { hasTeam, hasCustomer }: RuleContext) {
  const team_id = reference('team_id', body.team_id, stored.team_id, hasTeam);
  const customer_id = reference('customer_id', body.customer_id, stored.customer_id, hasCustomer);
  if (team_id === undefined || customer_id === undefined) return { team_id, customer_id };
  const isOther = body.team_id === undefined || body.customer_id === undefined;
  const kept = body.team_id === undefined ? 'team_id' : 'customer_id';
  const hint = isOther ? `; the key has a ${kept} already, send ${kept}: null to take it away` : '';
  throw invalid('team_id', `a virtual key belongs to a team or to a customer, not to both${hint}`);
}

function reference(
  field: string,
  sent: string | null | undefined,
  stored: string | undefined,
  exists: (id: string) => boolean,
): string | undefined {
  if (sent === undefined) return stored;
  const id = sent?.trim() || undefined;
  if (id === undefined || id === stored || exists(id)) return id;
  throw invalid(field, `there is no ${field.replace('_id', '')} "${id}"`);
}

/** What has passed is refused, unless it is the stored value sent back. */
function expiry(stored: number | undefined, sent: string | null | undefined, now: number): number | undefined {
  if (sent === undefined) return stored;
  if (sent === null || sent === '') return undefined;
  const time = Date.parse(sent);
  if (Number.isNaN(time)) throw invalid('expires_at', 'must be a time such as "2030-01-31T12:00:00Z"');
  if (time !== stored && time <= now) throw invalid('expires_at', 'must lie in the future');
  return time;
}

function clearable(sent: boolean | null | undefined, stored: boolean | undefined): boolean | undefined {
  return sent === undefined ? stored : (sent ?? undefined);
}

function checkId(stored: string, sent: unknown): void {
  if (sent === undefined || sent === null || sent === stored) return;
  throw invalid('id', 'differs from the id in the path, which cannot be changed');
}

function checkValue({ value }: VirtualKey, sent: unknown): void {
  if (sent === undefined || sent === null || sent === '' || sent === value.resolve()) return;
  if (typeof sent === 'string' && looksMasked(sent)) return;
  throw invalid('value', 'cannot be chosen; rotate the key to give it a new one');
}
