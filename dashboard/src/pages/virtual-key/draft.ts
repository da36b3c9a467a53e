import type { VirtualKeyUpdate } from '../../../../src/contract/governance.ts';
import type { VirtualKey } from '../../data/virtual-keys.ts';
import type { Form } from '../../ui/form.ts';
import { limitsDraftOf, limitsUpdate, type LimitsDraft } from '../limits/limits-draft.ts';

/** What a key may call of one server. */
export interface Grant {
  readonly name: string;
  readonly tools_to_execute: readonly string[];
}

/** Which provider a key may use. */
export interface ProviderGrant {
  /** Known entries have one. */
  readonly id?: number;
  readonly provider: string;
  readonly weight: number | null;
  readonly allowed_models: readonly string[];
  readonly blacklisted_models: readonly string[];
  readonly key_ids: readonly string[];
}

/** A virtual key as it is edited. */
export interface KeyDraft extends LimitsDraft {
  readonly name: string;
  readonly description: string;
  readonly is_active: boolean;
  readonly team_id: string;
  readonly customer_id: string;
  /** RFC 3339; empty for never. */
  readonly expires_at: string;
  readonly mcp_configs: readonly Grant[];
  readonly allow_all_providers: boolean;
  readonly provider_configs: readonly ProviderGrant[];
}

/** What every part of the page gets. */
export interface KeyTabProps {
  readonly virtualKey: VirtualKey;
  readonly form: Form<KeyDraft>;
  /** The person may only look. */
  readonly isDisabled: boolean;
}

/** The views of a key's page. */
export const KEY_TABS = ['tools', 'models', 'limits', 'settings', 'explain'] as const;
export type KeyTab = (typeof KEY_TABS)[number];

/** Whether a word of the URL names such a view. */
export function isKeyTab(value: unknown): value is KeyTab {
  return KEY_TABS.some((tab) => tab === value);
}

/** Which fields are on which view. */
export const KEY_FIELDS: Readonly<Record<KeyTab, readonly (keyof KeyDraft)[]>> = {
  tools: ['mcp_configs'],
  models: ['allow_all_providers', 'provider_configs'],
  limits: ['budgets', 'rate_limit'],
  settings: ['name', 'description', 'is_active', 'team_id', 'customer_id', 'expires_at'],
  explain: [],
};

/** The stored key as a draft. */
export function keyDraftOf(key: VirtualKey): KeyDraft {
  return {
    ...limitsDraftOf(key),
    name: key.name,
    description: key.description,
    is_active: key.is_active,
    team_id: key.team_id ?? '',
    customer_id: key.customer_id ?? '',
    expires_at: key.expires_at ?? '',
    mcp_configs: key.mcp_configs.map(({ mcp_client_name, tools_to_execute }) => ({
      name: mcp_client_name,
      tools_to_execute,
    })),
    allow_all_providers: key.allow_all_providers,
    provider_configs: key.provider_configs.map(
      ({ id, provider, weight, allowed_models, blacklisted_models, allow_all_keys, key_ids }) => ({
        ...{ id, provider, weight, allowed_models, blacklisted_models },
        // Two ways to say the same; the page knows one.
        key_ids: allow_all_keys ? ['*'] : key_ids,
      }),
    ),
  };
}

/** The changed fields as PUT takes them. What an entry of a provider does not say stays as it was. */
export function keyUpdate(changes: Partial<KeyDraft>): VirtualKeyUpdate {
  const { budgets, rate_limit, mcp_configs, provider_configs, ...plain } = changes;
  return {
    ...plain,
    ...limitsUpdate({ ...(budgets && { budgets }), ...(rate_limit && { rate_limit }) }),
    ...(mcp_configs && {
      mcp_configs: mcp_configs.map(({ name, tools_to_execute }) => ({
        mcp_client_name: name,
        tools_to_execute: [...tools_to_execute],
      })),
    }),
    ...(provider_configs && {
      provider_configs: provider_configs.map((entry) => ({
        ...entry,
        allowed_models: [...entry.allowed_models],
        blacklisted_models: [...entry.blacklisted_models],
        key_ids: [...entry.key_ids],
        allow_all_keys: false,
      })),
    }),
  };
}
