import type { Encryption } from '../lib/encryption.ts';
import type { Customer, EntityStore, Team } from './governance.ts';
import { createGrantStore, type GrantStore } from './grants.ts';
import { createLimitStore, type LimitStore } from './limits.ts';
import { createMcpClientStore, type McpClientStore } from './mcp-clients.ts';
import { createModelPriceStore, type ModelPriceStore } from './model-prices.ts';
import { createOwnerNames, type OwnerNames } from './owner-names.ts';
import { createCustomerStore, createTeamStore } from './owners.ts';
import { createProviderKeyStore, type ProviderKeyStore } from './provider-keys.ts';
import { createProviderStore, type ProviderStore } from './providers.ts';
import type { Executor } from './schema.ts';
import { createVirtualKeyStore, type VirtualKeyStore } from './virtual-keys.ts';

/** Everything that a write of governance may read or change, so that one `with` puts all of it into a transaction. */
export interface GovernanceStores {
  with(tx: Executor): GovernanceStores;
  readonly keys: VirtualKeyStore;
  readonly teams: EntityStore<Team>;
  readonly customers: EntityStore<Customer>;
  readonly grants: GrantStore;
  readonly limits: LimitStore;
  readonly names: OwnerNames;
  readonly clients: McpClientStore;
  readonly providers: ProviderStore;
  readonly providerKeys: ProviderKeyStore;
  readonly prices: ModelPriceStore;
}

export function createGovernanceStores(db: Executor, encryption: Encryption): GovernanceStores {
  return {
    with: (tx) => createGovernanceStores(tx, encryption),
    keys: createVirtualKeyStore(db, encryption),
    teams: createTeamStore(db),
    customers: createCustomerStore(db),
    grants: createGrantStore(db),
    limits: createLimitStore(db),
    names: createOwnerNames(db),
    clients: createMcpClientStore(db, encryption),
    providers: createProviderStore(db, encryption),
    providerKeys: createProviderKeyStore(db, encryption),
    prices: createModelPriceStore(db),
  };
}
