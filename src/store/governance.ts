import type { Secret } from '../lib/secret.ts';
import type { Executor } from './schema.ts';
import type { OwnerKind } from './tables/governance.ts';

/** How much may be spent until the next reset. */
export interface Budget {
  readonly id: string;
  /** USD. */
  readonly max_limit: number;
  /** Such as "1d"; see lib/window.ts. */
  readonly reset_duration: string;
  readonly calendar_aligned: boolean;
  readonly quarter_start_month: number | undefined;
  /** USD more than `max_limit`, until `override_until`; undefined there: for ever. */
  readonly override_amount: number | undefined;
  readonly override_until: number | undefined;
  /** Epoch milliseconds. Windows that do not follow the calendar are counted from `created_at`. */
  readonly created_at: number;
  readonly updated_at: number;
}

/** How many requests and tokens are let through until the next reset; either half may be absent. */
export interface RateLimit {
  readonly id: string;
  readonly token_max_limit: number | undefined;
  readonly token_reset_duration: string | undefined;
  readonly request_max_limit: number | undefined;
  readonly request_reset_duration: string | undefined;
  readonly created_at: number;
  readonly updated_at: number;
}

/** Whatever can be limited. */
export interface Limited {
  readonly budgets: readonly Budget[];
  readonly rate_limit: RateLimit | undefined;
}

/** Which provider a virtual key may use. */
export interface ProviderConfig extends Limited {
  readonly id: number;
  readonly provider: string;
  readonly weight: number | undefined;
  readonly allowed_models: readonly string[];
  readonly blacklisted_models: readonly string[];
  readonly allow_all_keys: boolean;
  readonly key_ids: readonly string[];
}

/** A customer. Frozen, like all that follow: a change makes a new one. */
export interface Customer extends Limited {
  readonly id: string;
  readonly name: string;
  readonly config_hash: string | undefined;
  readonly created_at: number;
  readonly updated_at: number;
}

/** A team, perhaps of a customer. */
export interface Team extends Customer {
  readonly customer_id: string | undefined;
}

/** A virtual key: the credential that says who calls, what they may call, and on whose budget. */
export interface VirtualKey extends Customer {
  readonly description: string;
  readonly value: Secret;
  /** SHA-256 of the value in hex: how it is looked up. */
  readonly value_hash: string;
  /** The value before the last rotation, which works until `previous_expires_at`. */
  readonly previous_value_hash: string | undefined;
  readonly previous_expires_at: number | undefined;
  readonly is_active: boolean;
  readonly provider_configs: readonly ProviderConfig[];
  readonly allow_all_providers: boolean;
  /** At most one of the two. */
  readonly team_id: string | undefined;
  readonly customer_id: string | undefined;
  readonly calendar_aligned: boolean;
  /** Epoch milliseconds. */
  readonly expires_at: number | undefined;
  /** Undefined, here and below: as the gateway-wide setting says. */
  readonly delete_after_expire: boolean | undefined;
  readonly disable_content_logging: boolean | undefined;
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly created_by_user_id: string | undefined;
}

/** The rows of one kind of entity, with the budgets and limits that belong to them. */
export interface EntityStore<T extends { readonly id: string }> {
  /** The same store inside a transaction. */
  with(tx: Executor): EntityStore<T>;
  /** All of them, oldest first. */
  list(): Promise<T[]>;
  find(id: string): Promise<T | undefined>;
  /** A name that is taken is a `conflict`. */
  insert(entity: T): Promise<void>;
  /** Replaces everything but `id` and `created_at`, budgets and limits included; these keep their ids. */
  update(entity: T): Promise<void>;
  /** With all that belongs to it. False when there was none. */
  remove(id: string): Promise<boolean>;
}

export type { OwnerKind };
