import { isLoggingEnabled } from '../config/ledger-options.ts';
import type { OtelPlugin } from '../contract/config.ts';
import { createCounters, type Counters } from '../governance/counters.ts';
import { createLeases, type Leases } from '../governance/leases.ts';
import { createModelPrices, type ModelPrices } from '../governance/model-prices.ts';
import { createSharedSpend } from '../governance/shared-spend.ts';
import { createSpend, type Spend } from '../governance/spend.ts';
import type { LedgerStore } from '../store/ledger/ledger-store.ts';
import { createLedger, type Ledger } from '../telemetry/ledger.ts';
import { createMetrics, type Metrics } from '../telemetry/metrics.ts';
import { createRetention } from '../telemetry/retention.ts';
import type { IsGone } from '../telemetry/gone.ts';
import type { MetricSources } from '../telemetry/looked-up.ts';
import type { Tracing } from '../telemetry/spans.ts';
import { createTracing } from '../telemetry/tracing.ts';
import { readTracingOptions } from '../telemetry/tracing-options.ts';
import type { Common } from './common.ts';

/** What calls are counted, paid and remembered with. */
export interface Accounting {
  readonly ledger: Ledger;
  readonly ledgerStore: LedgerStore;
  readonly counters: Counters;
  readonly spend: Spend;
  readonly tracing: Tracing;
  readonly metrics: Metrics;
  /** What requests to models cost. */
  readonly prices: ModelPrices;
}

interface AccountingOptions extends Common {
  readonly store: LedgerStore;
  /** What the metrics look up when somebody asks for them. */
  readonly sources: Omit<MetricSources, 'ledger' | 'httpInFlight'>;
  readonly isGone: IsGone;
}

/** What was counted of a key or a server that is removed can be scraped for so long, or up to twice as long. */
const KEEP_GONE_MS = 5 * 60_000;

/** The ledger and what reads and feeds it. Everything that was taken down is stored when it is closed. */
export async function createAccounting(options: AccountingOptions): Promise<Accounting> {
  const { file, store, stores, changes, settings, onError, cleanup, sources, isGone } = options;
  const shared = store.isShared ? store : undefined;
  // What is leased is handed back when all that was spent of it is stored.
  let leases: Leases | undefined;
  cleanup.defer(() => leases?.close());
  const ledger = createLedger({ store, shared, onError, isLogging: () => isLoggingEnabled(file) });
  cleanup.defer(() => ledger.close());
  const counters = createCounters({ charge: (charge) => ledger.charge(charge) });
  counters.load(await store.loadCounters());
  ledger.onCounters((states, included) => counters.onStored(states, included));
  const open = store.openLeases;
  if (open !== undefined) leases = createLeases({ open, node: ledger.node, counters, onError });
  const spend = leases === undefined ? createSpend({ counters }) : createSharedSpend({ counters, leases });
  const days = (): number => settings().log_retention_days;
  const retention = createRetention({ store, dialect: stores.database.dialect, node: ledger.node, days, onError });
  cleanup.defer(() => retention.stop());
  const plugin = file.plugins?.find((entry): entry is OtelPlugin => entry.name === 'otel');
  const tracing = await createTracing(readTracingOptions(plugin, process.env), onError);
  cleanup.defer(() => tracing.close());
  const metrics = createMetrics({ ...sources, ledger: () => ({ waiting: ledger.waiting, dropped: ledger.dropped }) });
  const sweep = setInterval(() => metrics.forgetGone(isGone), KEEP_GONE_MS).unref();
  cleanup.defer(() => clearInterval(sweep));
  const prices = await createModelPrices({ store: stores.governance.prices, changes, onError });
  return { prices, ledger, ledgerStore: store, counters, spend, tracing, metrics };
}
