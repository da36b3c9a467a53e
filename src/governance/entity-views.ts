import type {
  CustomerView,
  McpConfigView,
  ProviderConfigView,
  QuotaView,
  TeamView,
  VirtualKeyView,
} from '../contract/governance.ts';
import { clientNumber } from '../lib/client-number.ts';
import type { Customer, ProviderConfig, Team, VirtualKey } from '../store/governance.ts';
import type { Grant } from '../store/grants.ts';
import type { NameRow } from '../store/owner-names.ts';
import type { KeyName } from '../store/provider-keys.ts';
import { isoTime, limitsView, type ReadUsage } from './limit-views.ts';

/** What is shown of an entity besides its own record. */
export interface ViewContext {
  readonly usage: ReadUsage;
  /** An MCP client as reads show it, secrets masked; undefined when there is none. */
  readonly describeClient: (client_id: string) => Readonly<Record<string, unknown>> | undefined;
}

type Names = ReadonlyMap<string, NameRow>;

/** What belongs to a virtual key, and what it belongs to. */
export interface KeyRelations {
  readonly grants: readonly Grant[];
  readonly teams: Names;
  readonly customers: Names;
  /** The keys of all providers; none when the key names no provider. */
  readonly providerKeys: readonly KeyName[];
}

/** A virtual key as managers see it: with its value. */
export function keyView(
  key: VirtualKey,
  { grants, teams, customers, providerKeys }: KeyRelations,
  context: ViewContext,
): VirtualKeyView {
  return {
    id: key.id,
    name: key.name,
    description: key.description,
    value: key.value.resolve(),
    is_active: key.is_active,
    provider_configs: key.provider_configs.map((config) => configView(key.id, config, providerKeys, context)),
    allow_all_providers: key.allow_all_providers,
    mcp_configs: grants.map((grant) => grantView(grant, context)),
    team_id: key.team_id ?? null,
    ...expanded('team', teams, key.team_id),
    customer_id: key.customer_id ?? null,
    ...expanded('customer', customers, key.customer_id),
    ...limitsView('virtual_key', key.id, key, context.usage),
    calendar_aligned: key.calendar_aligned,
    expires_at: key.expires_at === undefined ? null : isoTime(key.expires_at),
    delete_after_expire: key.delete_after_expire ?? null,
    disable_content_logging: key.disable_content_logging ?? null,
    metadata: key.metadata,
    created_by_user_id: key.created_by_user_id ?? null,
    ...recordView(key),
  };
}

/** What a virtual key may read of itself. */
export function quotaView(key: VirtualKey, context: ViewContext): QuotaView {
  const { rate_limit_id: _, ...limits } = limitsView('virtual_key', key.id, key, context.usage);
  return {
    virtual_key_name: key.name,
    is_active: key.is_active,
    ...limits,
    // Whoever holds the key need not know what the keys behind it are called.
    provider_configs: key.provider_configs.map((config) => configView(key.id, config, [], context)),
  };
}

/** A team with the names of its keys. */
export function teamView(
  team: Team,
  { keys, customers }: { readonly keys: readonly NameRow[]; readonly customers: Names },
  { usage }: ViewContext,
): TeamView {
  return {
    id: team.id,
    name: team.name,
    customer_id: team.customer_id ?? null,
    ...expanded('customer', customers, team.customer_id),
    ...limitsView('team', team.id, team, usage),
    virtual_keys: keys.map(named),
    ...recordView(team),
  };
}

/** A customer with the names of its teams and keys. */
export function customerView(
  customer: Customer,
  { keys, teams }: { readonly keys: readonly NameRow[]; readonly teams: readonly NameRow[] },
  { usage }: ViewContext,
): CustomerView {
  return {
    id: customer.id,
    name: customer.name,
    ...limitsView('customer', customer.id, customer, usage),
    teams: teams.map(named),
    virtual_keys: keys.map(named),
    ...recordView(customer),
  };
}

function configView(
  virtual_key_id: string,
  config: ProviderConfig,
  providerKeys: readonly KeyName[],
  { usage }: ViewContext,
): ProviderConfigView {
  const isEvery = config.allow_all_keys || config.key_ids.includes('*');
  const keys = providerKeys.filter(({ id, provider }) => {
    return provider === config.provider && (isEvery || config.key_ids.includes(id));
  });
  return {
    id: config.id,
    virtual_key_id,
    provider: config.provider,
    weight: config.weight ?? null,
    allowed_models: [...config.allowed_models],
    blacklisted_models: [...config.blacklisted_models],
    allow_all_keys: config.allow_all_keys,
    key_ids: [...config.key_ids],
    keys: keys.map(named),
    ...limitsView('provider_config', String(config.id), config, usage),
  };
}

function grantView({ id, virtual_key_id, client_id, tools_to_execute }: Grant, context: ViewContext): McpConfigView {
  // Without a description the id still says which server it is: what is sent back must find it.
  const described: Readonly<Record<string, unknown>> = context.describeClient(client_id) ?? {};
  const mcp_client = described.client_id === client_id ? described : { ...described, client_id };
  const { name } = described;
  return {
    id,
    virtual_key_id,
    mcp_client_id: clientNumber(client_id),
    mcp_client_name: typeof name === 'string' ? name : client_id,
    mcp_client,
    tools_to_execute: [...tools_to_execute],
  };
}

function expanded<K extends string>(field: K, rows: Names, id: string | undefined) {
  const row = id === undefined ? undefined : rows.get(id);
  return (row === undefined ? {} : { [field]: named(row) }) as { [F in K]?: { id: string; name: string } };
}

function named({ id, name }: Pick<NameRow, 'id' | 'name'>): { id: string; name: string } {
  return { id, name };
}

function recordView({ config_hash, created_at, updated_at }: Customer) {
  return { config_hash: config_hash ?? '', created_at: isoTime(created_at), updated_at: isoTime(updated_at) };
}
