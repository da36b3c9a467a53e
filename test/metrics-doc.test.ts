import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ERRORS } from '../src/lib/errors.ts';
import { createMetrics } from '../src/telemetry/metrics.ts';

const document = readFileSync(join(import.meta.dirname, '..', 'docs', 'metrics.md'), 'utf8');
const rows = [...document.matchAll(/^\| `([a-z_0-9]+)` +\| (counter|gauge|histogram) +\| (.*)\|$/gm)].map(
  ([, name = '', type = '', rest = '']) => ({ name, type, labels: rest.split(' |')[0]?.match(/\w+/g) ?? [] }),
);
const isOfProcess = (name: string) => /^(?:process|nodejs)_/.test(name);

/** Every metric, with something in it. */
async function render(): Promise<string> {
  const metrics = createMetrics({
    servers: () => [],
    callsInFlight: () => 0,
    ledger: () => ({ waiting: 0, dropped: 0 }),
    liveFeedClients: () => 0,
    providerKeys: () => [{ provider: 'openai', id: 'k', name: 'key', isUp: true }],
    keyRotations: () => [['openai', 1]],
  });
  const owner = { virtual_key_id: 'v', virtual_key_name: 'v', team_id: 't', team_name: 't' };
  const call = { server_label: 's', client_id: 'c', tool_name: 't', ...owner, customer_id: 'c', customer_name: 'c' };
  metrics.toolCall(call, { status: 'success', latency: 1, cost: 1, error: undefined });
  const model = { provider: 'p', model: 'm', object: 'chat_completion', stream: true };
  const request = { ...model, ...owner, customer_id: 'c', customer_name: 'c' };
  const answer = { latency: 1, first_byte: 1, usage: undefined, cost: undefined, number_of_retries: 0 };
  metrics.modelRequest(request, { ...answer, status: 'success', error: undefined });
  metrics.modelRequest(request, { ...answer, status: 'error', error: undefined });
  metrics.httpStarted();
  metrics.http({ path: '/mcp', method: 'POST', status: 200, seconds: 1, requestBytes: 1, responseBytes: 1 });
  return metrics.render();
}

test('every metric is documented with its type, and no other is', async () => {
  const rendered = [...(await render()).matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name, type]) => `${name} ${type}`);
  const documented = rows.map(({ name, type }) => `${name} ${type}`);
  expect(rendered.length).toBeGreaterThan(30);
  expect(documented).toEqual(expect.arrayContaining(rendered));
  // Some of the process exist on Linux alone.
  const ours = (all: string[]) => all.filter((line) => !isOfProcess(line)).toSorted();
  expect(ours(documented)).toEqual(ours(rendered));
});

test('our own are documented with their labels', async () => {
  const text = await render();
  for (const { name, labels } of rows.filter(({ name }) => !isOfProcess(name))) {
    const [, inside = ''] = new RegExp(`^${name}(?:_count)?(?:\\{(.*)\\})? `, 'm').exec(text) ?? [];
    expect(
      [...inside.matchAll(/(\w+)="/g)].map(([, label]) => label),
      name,
    ).toEqual(labels);
  }
});

test('alerts ask for metrics and errors that exist', () => {
  const alerts = /### What to alert on\n([^]*?)\n## /.exec(document)?.[1] ?? '';
  const asked = [
    ...alerts.matchAll(/\b((?:bifrost|asbru|http|nodejs|process)_\w+?)(?:_bucket|_count|_sum)?\b(?=[{[\s)])/g),
  ];
  const names = new Set(rows.map(({ name }) => name));
  expect(asked.length).toBeGreaterThan(5);
  for (const [, name = ''] of asked) expect(names).toContain(name);
  const codes = [...alerts.matchAll(/error_type[!=]~"([^"]*)"/g)].flatMap(([, text = '']) => text.split('|'));
  for (const code of codes.filter((code) => /^\w+$/.test(code))) expect(Object.keys(ERRORS)).toContain(code);
});
