import { GatewayError } from '../../lib/errors.ts';
import type { JsonValue } from '../../lib/json-rpc.ts';
import type { ClientRequest } from '../client-side.ts';
import type { CallerHeaders } from './forwarded-headers.ts';
import { PARAM_PREFIX, type ParamHeader } from '../upstream/param-headers.ts';
import type { RelayParams } from './relay-params.ts';
import { decodeHeader, encodeHeader } from '../../lib/header-value.ts';

type Call = Pick<ClientRequest, 'params' | 'headers' | 'side'>;

/**
 * The `Mcp-Param-…` headers of a request to a modern server: the arguments that the tool wants repeated, as they are in the
 * body, and whatever else of this kind a modern caller sent, which intermediaries must hand on.
 */
export function mirrorParams(declared: readonly ParamHeader[], call: Call): Readonly<Record<string, string>> {
  // What clients of older revisions send under these names was never checked by anybody.
  const mirrored = call.side.era === 'modern' ? paramHeadersIn(call.headers) : {};
  if (declared.length === 0) return mirrored;
  for (const { name } of declared) delete mirrored[name];
  return Object.assign(mirrored, headersFor(declared, argumentsOf(call.params)));
}

/** The headers that repeat these arguments. */
export function headersFor(declared: readonly ParamHeader[], input: JsonValue | undefined): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const { name, path } of declared) {
    const text = textOf(valueAt(input, path));
    if (text !== undefined) headers[name] = encodeHeader(text);
  }
  return headers;
}

/** Throws `header_mismatch` where the headers of a modern caller do not say what the arguments do. */
export function checkMirrored(declared: readonly ParamHeader[], { params, headers }: Call): void {
  const input = argumentsOf(params);
  for (const { name, path } of declared) {
    const fault = faultOf(headers[name], valueAt(input, path));
    if (fault !== undefined)
      throw new GatewayError('header_mismatch', `header ${name} ${fault} (arguments.${path.join('.')})`);
  }
}

function faultOf(header: string | string[] | undefined, value: JsonValue | undefined): string | undefined {
  // A router on the way would act on a value that the tool never sees.
  if (value === undefined || value === null) return header === undefined ? undefined : 'is sent without its argument';
  const text = textOf(value);
  if (text === undefined) return undefined;
  if (header === undefined) return 'is missing, but the argument is not';
  const decoded = decodeHeader(String(header));
  if (decoded === undefined) return 'has characters that no header value has, or broken base64';
  const isSame = typeof value === 'number' ? isNumber(decoded, value) : decoded === text;
  return isSame ? undefined : 'does not say what the argument does';
}

/** `42.0` is 42 too. */
function isNumber(text: string, value: number): boolean {
  return /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i.test(text) && Number(text) === value;
}

/** An argument as a header repeats it. Nothing stands for null, for what is no scalar, and for integers that not all sides can hold. */
function textOf(value: JsonValue | undefined): string | undefined {
  if (typeof value === 'string') return value.toWellFormed(); // UTF-8 has no half surrogates
  if (typeof value === 'boolean') return String(value);
  if (typeof value !== 'number' || (Number.isInteger(value) && !Number.isSafeInteger(value))) return undefined;
  return String(value);
}

function argumentsOf({ members }: RelayParams): JsonValue | undefined {
  const text = members.get('arguments');
  return text === undefined ? undefined : (JSON.parse(text) as JsonValue);
}

function valueAt(input: JsonValue | undefined, path: readonly string[]): JsonValue | undefined {
  let value = input;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, name))
      return undefined;
    value = value[name];
  }
  return value;
}

function paramHeadersIn(headers: CallerHeaders): Record<string, string> {
  const found: Record<string, string> = {};
  for (const name of Object.keys(headers)) {
    if (name.startsWith(PARAM_PREFIX)) found[name] = String(headers[name]);
  }
  return found;
}
