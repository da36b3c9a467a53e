import { GatewayError } from '../lib/errors.ts';
import type { JsonObject, JsonValue } from '../lib/json-rpc.ts';
import { asObject, asWord, textOf } from '../lib/json-value.ts';
import { readRetryAfter } from '../lib/retry-after.ts';
import type { Arrived } from './exchange.ts';
import type { ProviderError } from './formats/format.ts';
import type { Target } from './target.ts';

const MAX_MESSAGE = 4_000;

/** The error that a provider answered with, its status and words kept. */
export function errorOf({ record, provider }: Target, { status, headers }: Arrived, body: Buffer): GatewayError {
  const native = parse(body);
  const said: ProviderError =
    native === undefined ? { message: body.toString() } : (provider.codec?.decodeError(native) ?? readError(native));
  const message = status < 400 ? moved(record.name, status) : said.message === '' ? `HTTP ${status}` : said.message;
  const retry_after = readRetryAfter(headers['retry-after']);
  const more = { provider: record.name, ...(retry_after !== undefined && { retry_after }) };
  return providerError({ ...said, message }, status, more);
}

/** What a provider said went wrong, in its own words; with its status, if that is one of an error. */
function providerError(
  { message, type, code, param, details }: ProviderError,
  status = 502,
  more: JsonObject = {},
): GatewayError {
  return new GatewayError('provider_error', message.slice(0, MAX_MESSAGE), {
    status: status >= 400 && status < 600 ? status : 502,
    details: {
      ...more,
      provider_error: { type: type ?? null, code: code ?? null, param: param ?? null, ...(details && { details }) },
    },
  });
}

/** No redirect is followed: credentials would go to whoever is named in it. */
function moved(provider: string, status: number): string {
  return `provider ${provider} answered with a redirect (HTTP ${status}): its network_config.base_url is not where it is`;
}

/** What an answer has that is one. */
const ANSWERS = ['choices', 'output', 'content', 'data', 'candidates'];

/** Throws what a provider says went wrong in place of an answer, though its status was that of one. */
export function demandAnswer(native: JsonObject): void {
  const isError = asObject(native.error) !== undefined || asWord(native.error) !== undefined;
  if (!isError || ANSWERS.some((name) => Array.isArray(native[name]))) return;
  const said = readError(native);
  throw providerError(said, Number(said.code));
}

/** Throws what the end of a stream says, where it is no event but JSON or a page: what a provider says that did not stream at all. */
export function demandEvents(raw: Buffer): void {
  const text = raw.toString().trim();
  if (!/^[[{}"<]/.test(text)) return;
  const native = parse(Buffer.from(text));
  if (native !== undefined) demandAnswer(native);
  throw new GatewayError('provider_bad_reply', 'the provider answered with something that is no event stream');
}

/** Throws what an event in the middle of a stream says went wrong, if it says so. */
export function demandNoError(event: JsonObject): void {
  const error = failureIn(event);
  if (error !== undefined) throw providerError(readError(error));
}

/** The error that an event of any format reports. */
export function failureIn({ type, object, error, response, message, code }: JsonObject): JsonObject | undefined {
  if (type === 'response.failed') return { error: asObject(response)?.error ?? { message: 'the response failed' } };
  if (asObject(error) !== undefined || asWord(error) !== undefined) return { error };
  return type === 'error' || object === 'error' ? { error: { message, code } } : undefined;
}

/** OpenAI's form, and the looser ones of those who only nearly speak it. */
function readError(native: JsonObject): ProviderError {
  const error = asObject(native.error) ?? native;
  const code = typeof error.code === 'number' ? String(error.code) : error.code;
  return {
    message: textOf(error.message) || textOf(native.error) || textOf(native.detail) || JSON.stringify(native),
    ...named('type', error.type),
    ...named('code', code),
    ...named('param', error.param),
  };
}

function named(key: 'type' | 'code' | 'param', value: JsonValue | undefined): Partial<ProviderError> {
  return typeof value === 'string' ? { [key]: value } : {};
}

function parse(body: Buffer): JsonObject | undefined {
  try {
    return asObject(JSON.parse(body.toString()) as JsonValue);
  } catch {
    return undefined;
  }
}
