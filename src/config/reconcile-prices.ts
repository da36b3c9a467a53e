import type { PricingOverrideEntry } from '../contract/config.ts';
import type { ModelPrice } from '../store/model-prices.ts';
import { reconcileKind, type KindWork } from './reconcile-kind.ts';
import type { Reconciled } from './reconcile.ts';

interface Work extends KindWork {
  /** `governance.pricing_overrides` of the file; undefined leaves the database alone. */
  readonly entries: readonly PricingOverrideEntry[] | undefined;
  /** Makes a record of an entry, or throws the rule it breaks. See governance/from-config.ts. */
  readonly priceFromEntry: (entry: PricingOverrideEntry, row: ModelPrice | undefined) => ModelPrice;
}

/** Brings the prices of models that config.json names into the database, by the rule of the servers. */
export function reconcilePrices({ entries, priceFromEntry, ...work }: Work): Promise<Reconciled[]> {
  return reconcileKind<PricingOverrideEntry, ModelPrice>(work, {
    label: 'Pricing override',
    entity: 'pricing_override',
    entries: entries?.map((entry) => ({ entry, fault: undefined })),
    store: (stores) => stores.prices,
    async write(entry, row, at, record) {
      const price = { ...priceFromEntry(entry, row), ...record };
      await (row === undefined ? at.prices.insert(price) : at.prices.update(price));
      return price.id;
    },
  });
}
