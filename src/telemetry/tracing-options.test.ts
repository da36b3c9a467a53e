import { expect, test } from 'vitest';
import { parseConfig } from '../config/file.ts';
import type { OtelPlugin } from '../contract/config.ts';
import { readTracingOptions } from './tracing-options.ts';

const plugin = (config: OtelPlugin['config'], enabled?: boolean): OtelPlugin => ({
  name: 'otel',
  config,
  ...(enabled !== undefined && { enabled }),
});

test('without a collector there are no traces', () => {
  expect(readTracingOptions(undefined, {})).toBeUndefined();
  expect(readTracingOptions(plugin({ service_name: 'x' }), { OTEL_SERVICE_NAME: 'y' })).toBeUndefined();
  expect(readTracingOptions(undefined, { OTEL_EXPORTER_OTLP_ENDPOINT: ' ' })).toBeUndefined();
});

test('either variable of the environment is enough, and the SDK reads its value', () => {
  for (const name of ['OTEL_EXPORTER_OTLP_ENDPOINT', 'OTEL_EXPORTER_OTLP_TRACES_ENDPOINT'])
    expect(readTracingOptions(undefined, { [name]: 'http://localhost:4318' })).toMatchObject({ url: undefined });
});

test('traces can be switched off wherever they are configured', () => {
  const env = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://localhost:4318' };
  expect(readTracingOptions(plugin({}, false), env)).toBeUndefined();
  expect(readTracingOptions(undefined, { ...env, OTEL_SDK_DISABLED: 'true' })).toBeUndefined();
  expect(readTracingOptions(undefined, { ...env, OTEL_TRACES_EXPORTER: 'none' })).toBeUndefined();
});

test.each([
  ['http://c:4318', 'http://c:4318/v1/traces'],
  ['http://c:4318/', 'http://c:4318/v1/traces'],
  ['https://c/otel', 'https://c/otel/v1/traces'],
  ['https://c/otel/v1/traces?x=1', 'https://c/otel/v1/traces?x=1'],
])('the collector %s is reached at %s', (collector_url, url) => {
  expect(readTracingOptions(plugin({ collector_url }), {})?.url).toBe(url);
});

test('a collector that is no HTTP address is refused at the start', () => {
  for (const collector_url of ['localhost:4317', 'nowhere', 'http://'])
    expect(() => readTracingOptions(plugin({ collector_url }), {})).toThrow('collector_url');
});

test.each([
  [undefined, undefined, { isParentBased: true, ratio: 1 }],
  ['always_on', undefined, { isParentBased: false, ratio: 1 }],
  ['always_off', undefined, { isParentBased: false, ratio: 0 }],
  ['parentbased_always_off', undefined, { isParentBased: true, ratio: 0 }],
  ['traceidratio', '0.25', { isParentBased: false, ratio: 0.25 }],
  ['parentbased_traceidratio', '0', { isParentBased: true, ratio: 0 }],
  ['traceidratio', '7', { isParentBased: false, ratio: 1 }],
  ['nonsense', '0.1', { isParentBased: true, ratio: 1 }],
])('the sampler %s %s is %j', (name, arg, expected) => {
  const env = { OTEL_TRACES_SAMPLER: name, OTEL_TRACES_SAMPLER_ARG: arg };
  expect(readTracingOptions(plugin({ collector_url: 'http://c' }), env)?.sampler).toEqual(expected);
});

test('config.json takes the plugin entry, of other gateways’ plugins the rest, and says what it does not know', () => {
  const otel = { collector_url: 'http://c', headers: { a: 'env.NAME', b: { value: 'x' } }, protocol: 'http' };
  const plugins = [
    { name: 'otel', enabled: true, config: otel },
    { name: 'semantic_cache', config: { any: 1 } },
  ];
  const { file, warnings } = parseConfig(JSON.stringify({ plugins }));
  expect(file.plugins).toEqual(plugins);
  expect(warnings).toEqual(['config.json: plugins[1].config.any is not known and has no effect']);
  expect(() => parseConfig(JSON.stringify({ plugins: [{ name: 'otel', config: { protocol: 'grpc' } }] }))).toThrow();
  const { warnings: told } = parseConfig(JSON.stringify({ plugins: [{ name: 'otel', config: { collector: '' } }] }));
  expect(told.join()).toContain('collector');
});
