import type { LoadedConfig } from '../config/file.ts';
import type { Stores } from '../config/open-stores.ts';
import { reconcileGovernance } from '../config/reconcile-governance.ts';
import { reconcilePrices } from '../config/reconcile-prices.ts';
import { reconcileProviders } from '../config/reconcile-providers.ts';
import { reconcileClients, reconcileSettings, type CommitSettings, type ReconcileLog } from '../config/reconcile.ts';
import { CONFIG_FILE } from '../governance/audit.ts';
import { createCommitEntity } from '../governance/commit-entity.ts';
import { createCounters } from '../governance/counters.ts';
import type { ViewContext } from '../governance/entity-views.ts';
import {
  customerFromEntry,
  keyFromEntry,
  priceFromEntry,
  refreshValue,
  teamFromEntry,
} from '../governance/from-config.ts';
import { createCommitProvider, providerEntryRules } from '../governance/providers-from-config.ts';
import { saveSettings } from '../governance/save-settings.ts';
import { createCommitClient } from '../mcp/client-change.ts';
import { fromCreate } from '../mcp/client-config.ts';
import type { LedgerStore } from '../store/ledger/ledger-store.ts';
import type { TableName } from '../store/schema.ts';

interface Deps {
  readonly config: LoadedConfig;
  readonly stores: Stores;
  readonly ledger: Promise<LedgerStore>;
  readonly log: ReconcileLog;
}

/** Takes over what config.json says. Gives the tables that other processes on this database have to read again. */
export async function bringInConfig({ config, stores, ledger, log }: Deps): Promise<ReadonlySet<TableName>> {
  const { file, settings, clients } = config;
  const isFileTheTruth = file.source_of_truth === 'config.json';
  const changed = new Set<TableName>();
  const noting = <A extends unknown[]>(table: TableName, commit: (...args: A) => Promise<void>) => {
    return async (...args: A): Promise<void> => {
      await commit(...args);
      changed.add(table);
    };
  };

  const save: CommitSettings = (write) => saveSettings(stores, CONFIG_FILE, write);
  await reconcileSettings({ settings, store: stores.settings, commit: noting('settings', save), log });
  const commitClient = noting('mcp_clients', createCommitClient(stores, CONFIG_FILE));
  await reconcileClients({
    ...{ entries: clients, store: stores.clients, commit: commitClient, fromCreate },
    ...{ isFileTheTruth, log },
  });
  const recorded = { database: stores.database, audit: stores.audit, stores: stores.governance };
  const work = { isFileTheTruth, stores: stores.governance, log };
  const commitProvider = noting('providers', createCommitProvider(recorded, CONFIG_FILE));
  await reconcileProviders({ ...work, section: file.providers, commit: commitProvider, rules: providerEntryRules });
  let views: Promise<ViewContext> | undefined;
  const context = (): Promise<ViewContext> => (views ??= ledger.then((store) => openingViews(stores, store)));
  const commit = createCommitEntity({ ...recorded, context }, CONFIG_FILE);
  const rules = { customerFromEntry, teamFromEntry, keyFromEntry, refreshValue };
  // Whoever is told of keys reads their teams and customers, too.
  const commitKeys = noting('virtual_keys', commit);
  await reconcileGovernance({ ...work, section: file.governance, commit: commitKeys, rules });
  const commitPrices = noting('model_prices', commit);
  const entries = file.governance?.pricing_overrides;
  await reconcilePrices({ ...work, entries, commit: commitPrices, priceFromEntry });
  return changed;
}

/** What the record of a change shows of budgets and servers before either is running. */
async function openingViews({ clients }: Stores, ledger: LedgerStore): Promise<ViewContext> {
  const counters = createCounters({ charge: () => {} });
  counters.load(await ledger.loadCounters());
  const names = new Map((await clients.list()).map(({ client_id, name }) => [client_id, { name }]));
  return { usage: counters.usage, describeClient: (id) => names.get(id) };
}
