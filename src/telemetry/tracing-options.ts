import type { OtelPlugin } from '../contract/config.ts';
import { GatewayError } from '../lib/errors.ts';
import { Secret } from '../lib/secret.ts';

/** How traces are made and where they go. */
export interface TracingOptions {
  /** Full address of the collector; undefined: as the OTEL_EXPORTER_OTLP_… variables say. */
  readonly url: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  readonly insecure: boolean;
  /** Undefined: as OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES say. */
  readonly serviceName: string | undefined;
  readonly sampler: SamplerChoice;
}

/** Which traces are recorded, of those that begin here (`parentBased`) or of all. */
export interface SamplerChoice {
  readonly isParentBased: boolean;
  /** Share of the traces, 0 to 1. */
  readonly ratio: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

const ENDPOINTS = ['OTEL_EXPORTER_OTLP_TRACES_ENDPOINT', 'OTEL_EXPORTER_OTLP_ENDPOINT'];

/** Reads the plugin entry "otel" of config.json and the environment; undefined when there is nowhere to send traces. */
export function readTracingOptions(plugin: OtelPlugin | undefined, env: Environment): TracingOptions | undefined {
  const isOff =
    plugin?.enabled === false || env['OTEL_SDK_DISABLED'] === 'true' || env['OTEL_TRACES_EXPORTER'] === 'none';
  if (isOff) return undefined;
  const config = plugin?.config ?? {};
  const url = Secret.parse(config.collector_url ?? '').resolve();
  if (url === '' && ENDPOINTS.every((name) => (env[name] ?? '').trim() === '')) return undefined;
  return {
    url: url === '' ? undefined : traceUrl(url),
    headers: Object.fromEntries(
      Object.entries(config.headers ?? {}).map(([name, value]) => [name, Secret.parse(value).resolve()]),
    ),
    insecure: config.insecure === true,
    serviceName: config.service_name,
    sampler: readSampler(env),
  };
}

function traceUrl(text: string): string {
  if (!/^https?:/.test(text) || !URL.canParse(text)) {
    throw new GatewayError('invalid_configuration', 'plugins: otel: collector_url must be an http or https URL');
  }
  const url = new URL(text);
  if (!url.pathname.endsWith('/traces')) url.pathname = `${url.pathname.replace(/\/$/, '')}/v1/traces`;
  return url.href;
}

/** The SDK leaves these variables to its caller. A name that means nothing is passed over, as their specification says. */
function readSampler(env: Environment): SamplerChoice {
  const [, prefix, kind] = /^(parentbased_)?(always_on|always_off|traceidratio)$/.exec(
    env['OTEL_TRACES_SAMPLER'] ?? '',
  ) ?? ['', 'parentbased_', 'always_on'];
  return {
    isParentBased: prefix !== undefined,
    ratio: kind === 'traceidratio' ? readRatio(env) : kind === 'always_on' ? 1 : 0,
  };
}

function readRatio(env: Environment): number {
  const text = env['OTEL_TRACES_SAMPLER_ARG'] ?? '';
  const ratio = text.trim() === '' ? 1 : Number(text);
  return ratio >= 0 && ratio <= 1 ? ratio : 1;
}
