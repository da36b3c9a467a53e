import { expect, test } from 'vitest';
import { createMetrics } from './metrics.ts';
import { createMetricsSum } from './sum-metrics.ts';

const counter = (value: number, labels = '{path="/a b",status="200"}') =>
  `# HELP hits_total Hits.\n# TYPE hits_total counter\nhits_total${labels} ${value}\n`;
const gauge = (name: string, value: number) => `# HELP ${name} Now.\n# TYPE ${name} gauge\n${name} ${value}\n`;

function sumOf(...texts: string[]): string {
  const sum = createMetricsSum();
  for (const text of texts) sum.add(text);
  return sum.render();
}

test('counters are added up by their labels', () => {
  expect(sumOf(counter(2), counter(3))).toBe(counter(5));
  const other = '{path="/x",status="200"}';
  expect(sumOf(counter(2), counter(3, other))).toBe(`${counter(2)}hits_total${other} 3\n`);
});

test('histograms are added up bucket by bucket', () => {
  const histogram = (low: number, all: number, sum: number) =>
    `# HELP took Time.\n# TYPE took histogram\ntook_bucket{le="1"} ${low}\ntook_bucket{le="+Inf"} ${all}\ntook_sum ${sum}\ntook_count ${all}\n`;
  expect(sumOf(histogram(1, 2, 3.5), histogram(2, 2, 0.5))).toBe(histogram(3, 4, 4));
});

test('gauges are added up, but not those that are the same everywhere or tell how badly a process fares', () => {
  const inFlight = 'asbru_http_requests_in_flight';
  expect(sumOf(gauge(inFlight, 2), gauge(inFlight, 3))).toBe(gauge(inFlight, 5));
  for (const name of ['asbru_servers', 'nodejs_eventloop_lag_p99_seconds', 'nodejs_eventloop_lag_seconds'])
    expect(sumOf(gauge(name, 2), gauge(name, 3), gauge(name, 1))).toBe(gauge(name, 3));
  expect(sumOf(gauge('nodejs_eventloop_lag_seconds', Number.NaN), gauge('nodejs_eventloop_lag_seconds', 1))).toBe(
    gauge('nodejs_eventloop_lag_seconds', 1),
  );
  const up = 'bifrost_provider_key_up';
  expect(sumOf(gauge(up, 1), gauge(up, 0), gauge(up, 1))).toBe(gauge(up, 0));
});

test('what a process that has ended had counted stays, and nothing else of it', () => {
  const sum = createMetricsSum();
  sum.add(`${counter(2)}${gauge('open', 7)}`, 'counted');
  sum.add(`${counter(1)}${gauge('open', 1)}`);
  expect(sum.render()).toBe(`${counter(3)}${gauge('open', 1)}`);
});

test('what one gateway renders comes out as it went in, and twice it is twice', async () => {
  const metrics = createMetrics({
    servers: () => [{ state: 'connected' }],
    callsInFlight: () => 3,
    ledger: () => ({ waiting: 5, dropped: 7 }),
    liveFeedClients: () => 2,
    providerKeys: () => [
      { provider: 'openai', id: 'k1', name: 'first', isUp: true },
      { provider: 'openai', id: 'k2', name: 'second', isUp: false },
    ],
    keyRotations: () => [['openai', 2]] as const,
  });
  const owner = { virtual_key_id: 'v"\\', virtual_key_name: 'v } 1', team_id: 't', team_name: 't' };
  const call = { server_label: 's', client_id: 'c', tool_name: 't', ...owner, customer_id: 'c', customer_name: 'c\n' };
  metrics.toolCall(call, { status: 'success', latency: 20, cost: 3, error: undefined });
  metrics.httpStarted();
  metrics.http({ path: '/mcp', method: 'POST', status: 200, seconds: 1, requestBytes: 1, responseBytes: 1 });
  const text = await metrics.render();
  const lines = (from: string) => from.split('\n').filter((line) => line !== '' && !line.includes('NaN'));
  expect(lines(sumOf(text)).length).toBeGreaterThan(150);
  expect(lines(sumOf(text)).toSorted()).toEqual(lines(text.replaceAll('Nan', 'NaN')).toSorted());
  const twice = sumOf(text, text);
  expect(twice).toContain('asbru_ledger_rows_dropped_total 14\n');
  expect(twice).toContain('asbru_workers 2\n');
  expect(twice).toContain('asbru_servers{state="connected"} 1\n');
  expect(twice).toContain('http_requests_total{path="/mcp",method="POST",status="200"} 2\n');
});
