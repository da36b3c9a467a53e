import { collectDefaultMetrics, Counter, Gauge, Registry } from 'prom-client';
import { ClientState } from '../contract/mcp-client.ts';

/** Where the numbers come from that are looked up only when somebody asks. */
export interface MetricSources {
  /** All registered servers. */
  readonly servers: () => Iterable<{ readonly state: ClientState }>;
  /** Tool calls that have begun and not ended. */
  readonly callsInFlight: () => number;
  readonly httpInFlight: () => number;
  /** Rows of the ledger that wait to be written, and how many were given up since the start. */
  readonly ledger: () => { readonly waiting: number; readonly dropped: number };
  /** Connections to the live feed. */
  readonly liveFeedClients: () => number;
  /** Keys of providers that were used, and whether the provider took them the last time. */
  readonly providerKeys: () => Iterable<{ provider: string; id: string; name: string; isUp: boolean }>;
  /** How often requests went on with another key, by provider. */
  readonly keyRotations: () => Iterable<readonly [provider: string, count: number]>;
}

/** The metrics that cost nothing between two scrapes, and those of the Node process. */
export function createLookedUp(sources: MetricSources): Registry {
  const registry = new Registry();
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => number): void => {
    const created: Gauge = new Gauge({ name, help, registers, collect: () => created.set(read()) });
  };
  const servers: Gauge<'state'> = new Gauge({
    name: 'asbru_servers',
    help: 'Registered MCP servers by state.',
    labelNames: ['state'],
    registers,
    collect() {
      // Those without a server too, so that an alert has a number to compare.
      for (const state of ClientState.options) servers.set({ state }, 0);
      for (const { state } of sources.servers()) servers.inc({ state });
    },
  });
  const active: Gauge<'method'> = new Gauge({
    name: 'bifrost_active_requests',
    help: 'Tool calls in flight.',
    labelNames: ['method'],
    registers,
    collect: () => active.set({ method: 'tools/call' }, sources.callsInFlight()),
  });
  gauge('asbru_http_requests_in_flight', 'HTTP requests in flight, event streams included.', sources.httpInFlight);
  gauge('asbru_ledger_rows_waiting', 'Log rows not written yet.', () => sources.ledger().waiting);
  // Those of all workers are added up, so it says how many there are.
  gauge('asbru_workers', 'Processes that serve the port.', () => 1);
  gauge('asbru_live_feed_clients', 'Connections to the live feed.', sources.liveFeedClients);
  const dropped: Counter = new Counter({
    name: 'asbru_ledger_rows_dropped_total',
    help: 'Log rows that were given up, as the database took none.',
    registers,
    collect() {
      dropped.reset();
      dropped.inc(sources.ledger().dropped);
    },
  });
  const keyUp: Gauge<'provider' | 'selected_key_id' | 'selected_key_name'> = new Gauge({
    name: 'bifrost_provider_key_up',
    help: 'Whether a provider took a key when it was last used.',
    labelNames: ['provider', 'selected_key_id', 'selected_key_name'],
    registers,
    collect() {
      keyUp.reset();
      for (const { provider, id, name, isUp } of sources.providerKeys())
        keyUp.set({ provider, selected_key_id: id, selected_key_name: name }, isUp ? 1 : 0);
    },
  });
  const rotations: Counter<'provider'> = new Counter({
    name: 'bifrost_key_rotation_events_total',
    help: 'Requests that went on with another key of the provider.',
    labelNames: ['provider'],
    registers,
    collect() {
      rotations.reset();
      for (const [provider, count] of sources.keyRotations()) rotations.inc({ provider }, count);
    },
  });
  collectDefaultMetrics({ register: registry });
  return registry;
}
