import type { JsonObject, JsonValue } from '../../../lib/json-rpc.ts';
import { asNumber, asObject, asText, objectsOf } from '../../../lib/json-value.ts';
import type { ProviderError } from '../format.ts';

/** What Google says of a request that failed. A stream that fails before its first event answers with a list of one. */
export function decodeError(native: JsonObject): ProviderError {
  const body: JsonValue = native;
  const first = Array.isArray(body) ? objectsOf(body)[0] : native;
  const error = asObject(first?.error);
  const code = asText(error?.code) ?? asNumber(error?.code)?.toString();
  return {
    message: asText(error?.message) ?? asText(first?.error) ?? 'the provider gave no reason',
    type: asText(error?.status),
    code,
  };
}
