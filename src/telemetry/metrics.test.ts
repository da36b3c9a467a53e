import { expect, test } from 'vitest';
import { createMetrics } from './metrics.ts';
import { createToolMetrics, type MeteredCall, type MeteredEnd } from './tool-metrics.ts';

const DURATION = 'bifrost_mcp_client_operation_duration_seconds';

function start() {
  return createMetrics({
    servers: () => [{ state: 'connected' }, { state: 'connected' }, { state: 'error' }],
    callsInFlight: () => 3,
    ledger: () => ({ waiting: 5, dropped: 7 }),
    liveFeedClients: () => 2,
    providerKeys: () => [
      { provider: 'openai', id: 'k1', name: 'first', isUp: true },
      { provider: 'openai', id: 'k2', name: 'second', isUp: false },
    ],
    keyRotations: () => [['openai', 2]] as const,
  });
}

const call = (more: Partial<MeteredCall> = {}): MeteredCall => ({
  server_label: 'github',
  client_id: 'c-1',
  tool_name: 'create_issue',
  virtual_key_id: 'vk-1',
  virtual_key_name: 'ci',
  team_id: undefined,
  team_name: undefined,
  customer_id: undefined,
  customer_name: undefined,
  ...more,
});
const OK: MeteredEnd = { status: 'success', latency: 20, cost: 0, error: undefined };
const failed = (code: string): MeteredEnd => ({ ...OK, status: 'error', error: { code, message: 'no' } });

/** The samples of a text by name and labels. Throws for a line that is none, and for one that is there twice. */
function parse(text: string): Map<string, number> {
  const samples = new Map<string, number>();
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue;
    const found = /^([a-z_:][\w:]*(?:\{(?:\w+="(?:[^"\\]|\\.)*",?)*\})?) (-?[\d.e+-]+|NaN|\+Inf)$/i.exec(line);
    if (found === null || samples.has(found[1] ?? '')) throw new Error(`bad line: ${line}`);
    samples.set(found[1] ?? '', Number(found[2]));
  }
  return samples;
}

/** The counts of tool calls by the values of some labels. */
function counts(text: string, ...labels: string[]): Record<string, number> {
  const found: Record<string, number> = {};
  for (const [sample, value] of parse(text)) {
    if (!sample.startsWith(`${DURATION}_count{`)) continue;
    const key = labels.map((label) => new RegExp(`[{,]${label}="([^"]*)"`).exec(sample)?.[1]).join(' ');
    found[key] = (found[key] ?? 0) + value;
  }
  return found;
}

test('a call is one observation under its server, tool, key and outcome', async () => {
  const metrics = start();
  metrics.toolCall(call(), OK);
  metrics.toolCall(call(), { ...OK, latency: 3_000 });
  metrics.toolCall(call({ virtual_key_id: 'vk-2' }), OK);
  const samples = parse(await metrics.render());
  const labels =
    'mcp_client="github",mcp_tool_name="create_issue",mcp_method="tools/call",error_type="",virtual_key_id="vk-1",' +
    'virtual_key_name="ci",team_id="",team_name="",customer_id="",customer_name=""';
  expect(samples.get(`${DURATION}_count{${labels}}`)).toBe(2);
  expect(samples.get(`${DURATION}_sum{${labels}}`)).toBeCloseTo(3.02);
  expect(samples.get(`${DURATION}_bucket{${labels},le="0.01"}`)).toBe(0);
  expect(samples.get(`${DURATION}_bucket{${labels},le="0.025"}`)).toBe(1);
  expect(samples.get(`${DURATION}_bucket{${labels},le="5"}`)).toBe(2);
  expect(samples.get(`${DURATION}_bucket{${labels},le="+Inf"}`)).toBe(2);
});

test('failures are told apart by our codes, and what a server invents is not', async () => {
  const metrics = start();
  for (const end of [OK, failed('budget_exceeded'), failed('upstream_unauthorized'), failed('whatever')])
    metrics.toolCall(call(), end);
  metrics.toolCall(call(), { ...OK, status: 'error' });
  expect(counts(await metrics.render(), 'error_type')).toEqual({
    '': 1,
    budget_exceeded: 1,
    auth_required: 1,
    _OTHER: 2,
  });
});

test('a tool that no server has is counted without its name', async () => {
  const metrics = start();
  for (let index = 0; index < 50; index += 1)
    metrics.toolCall(call({ server_label: undefined, tool_name: `invented-${index}` }), failed('mcp_tool_not_found'));
  expect(counts(await metrics.render(), 'mcp_client', 'mcp_tool_name')).toEqual({ ' ': 50 });
});

test('cost is summed in dollars, exactly', async () => {
  const metrics = start();
  for (let index = 0; index < 10; index += 1) metrics.toolCall(call(), { ...OK, cost: 100_000_000 });
  metrics.toolCall(call({ tool_name: 'free' }), OK);
  const costs = [...parse(await metrics.render())].filter(([sample]) => sample.startsWith('bifrost_cost_total'));
  expect(costs).toHaveLength(1);
  expect(costs[0]?.[0]).toContain('mcp_tool_name="create_issue",method="tools/call"');
  expect(costs[0]?.[1]).toBe(1);
});

test('a key that is renamed there and back leaves no line twice', async () => {
  const metrics = start();
  for (const name of ['a', 'b', 'a', 'b']) metrics.toolCall(call({ virtual_key_name: name }), OK);
  expect(counts(await metrics.render(), 'virtual_key_name')).toEqual({ a: 2, b: 2 });
});

test('names with quotes, backslashes and line breaks do not break the text', async () => {
  const metrics = start();
  metrics.toolCall(call({ virtual_key_name: 'a"b\\c\nd' }), OK);
  expect(await metrics.render()).toContain('virtual_key_name="a\\"b\\\\c\\nd"');
  expect([...parse(await metrics.render()).keys()].join('\n')).toContain('virtual_key_name="a\\"b');
});

test('the number of series is bounded; what comes on top is counted per server', async () => {
  const tools = createToolMetrics(10);
  for (let index = 0; index < 500; index += 1) tools.observe(call({ virtual_key_id: `vk-${index}` }), OK);
  tools.observe(call({ virtual_key_id: 'vk-3' }), OK);
  const found = counts(await tools.render(), 'mcp_tool_name');
  expect(found).toEqual({ create_issue: 11, _OTHER: 490 });
});

test('what is counted of a key or a server that is gone leaves when it is found to be gone twice, and makes room', async () => {
  const tools = createToolMetrics(2);
  const gone = new Set<string | undefined>();
  const forget = () =>
    tools.forgetGone(({ virtual_key_id, client_id }) => gone.has(virtual_key_id) || gone.has(client_id));
  const read = async () => counts(await tools.render(), 'virtual_key_id', 'mcp_client', 'mcp_tool_name');
  const second = call({ virtual_key_id: 'vk-2', client_id: 'c-2', server_label: 'jira' });
  tools.observe(call(), OK);
  tools.observe(second, OK);

  gone.add('vk-1');
  forget();
  gone.delete('vk-1');
  forget();
  gone.add('vk-1');
  forget();
  tools.observe(call(), OK);
  expect(await read()).toEqual({ 'vk-1 github create_issue': 2, 'vk-2 jira create_issue': 1 });
  forget();
  expect(await read()).toEqual({ 'vk-2 jira create_issue': 1 });

  gone.add('c-2');
  forget();
  forget();
  expect(await read()).toEqual({});
  tools.observe(call({ virtual_key_id: 'vk-3' }), OK);
  tools.observe(second, OK);
  expect(await read()).toEqual({ 'vk-3 github create_issue': 1, 'vk-2 jira create_issue': 1 });
});

test('HTTP requests are counted by route, method and status', async () => {
  const metrics = start();
  const request = { path: '/mcp', method: 'POST', status: 200, seconds: 0.02, requestBytes: 150, responseBytes: 5_000 };
  for (const change of [{}, {}, { status: 401 }, { method: 'PROPFIND' }]) {
    metrics.httpStarted();
    metrics.http({ ...request, ...change });
  }
  metrics.httpStarted();
  const samples = parse(await metrics.render());
  const labels = 'path="/mcp",method="POST",status="200"';
  expect(samples.get(`http_requests_total{${labels}}`)).toBe(2);
  expect(samples.get('http_requests_total{path="/mcp",method="POST",status="401"}')).toBe(1);
  expect(samples.get('http_requests_total{path="/mcp",method="_OTHER",status="200"}')).toBe(1);
  expect(samples.get(`http_request_duration_seconds_count{${labels}}`)).toBe(2);
  expect(samples.get(`http_request_size_bytes_sum{${labels}}`)).toBe(300);
  expect(samples.get(`http_response_size_bytes_bucket{${labels},le="1000"}`)).toBe(0);
  expect(samples.get(`http_response_size_bytes_bucket{${labels},le="10000"}`)).toBe(2);
  expect(samples.get('asbru_http_requests_in_flight')).toBe(1);
});

test('the rest is looked up at each scrape', async () => {
  const metrics = start();
  await metrics.render();
  const samples = parse(await metrics.render());
  const expected = {
    'asbru_servers{state="connected"}': 2,
    'asbru_servers{state="error"}': 1,
    'asbru_servers{state="disabled"}': 0,
    'bifrost_active_requests{method="tools/call"}': 3,
    asbru_ledger_rows_waiting: 5,
    asbru_ledger_rows_dropped_total: 7,
    asbru_live_feed_clients: 2,
    asbru_workers: 1,
  };
  for (const [sample, value] of Object.entries(expected)) expect(samples.get(sample), sample).toBe(value);
  expect(samples.get('process_cpu_seconds_total')).toBeGreaterThan(0);
  expect(samples.has('nodejs_eventloop_lag_p99_seconds')).toBe(true);
});

test('two gateways in one process share nothing', async () => {
  const [one, other] = [start(), start()];
  one.toolCall(call(), OK);
  expect(counts(await other.render(), 'mcp_client')).toEqual({});
});
