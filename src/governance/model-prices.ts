import { createOrder } from '../lib/in-order.ts';
import type { Changes } from '../store/changes.ts';
import type { ModelPriceStore } from '../store/model-prices.ts';
import { compileOverrides, costOf, type PricedUsage } from './model-price.ts';
import type { PriceSheet } from './price-sheet.ts';

interface Deps {
  readonly store: Pick<ModelPriceStore, 'list'>;
  readonly changes: Pick<Changes, 'subscribe'>;
  readonly onError: (error: unknown) => void;
}

/** What requests to models cost. */
export interface ModelPrices {
  /** Loads the price sheet, which takes a moment the first time. Before that only overrides are known. */
  ready(): Promise<void>;
  /** Nano-dollars; undefined: nobody knows. `model` is as the provider names it. */
  priceOf(provider: string, model: string, usage: PricedUsage): number | undefined;
}

/** The prices of the operator, and the sheet for what those say nothing of. */
export async function createModelPrices({ store, changes, onError }: Deps): Promise<ModelPrices> {
  const inOrder = createOrder();
  const load = async () => (findOverride = compileOverrides(await store.list()));
  let sheet: PriceSheet | undefined;
  let opening: Promise<void> | undefined;
  let findOverride: ReturnType<typeof compileOverrides>;

  // Before they are read for the first time: what changes from then on must not be missed.
  changes.subscribe(async (table) => {
    if (table === 'model_prices') await inOrder(load);
  });
  findOverride = await inOrder(load);

  async function open(): Promise<void> {
    try {
      const { openPriceSheet } = await import('./price-sheet.ts');
      sheet = openPriceSheet();
    } catch (error) {
      // Requests go on; what they cost is unknown.
      onError(error);
    }
  }

  return {
    ready: () => (opening ??= open()),
    priceOf(provider, model, usage) {
      const override = findOverride(provider, model);
      if (override !== undefined) return costOf(override, usage);
      try {
        return sheet?.costOf(provider, model, usage);
      } catch (error) {
        onError(error);
        return undefined;
      }
    },
  };
}
