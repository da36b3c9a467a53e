import { GatewayError } from '../../lib/errors.ts';
import type { JsonObject } from '../../lib/json-rpc.ts';
import { isObject, type Maybe } from '../../lib/json-value.ts';

/** What is thrown for a request that the other format cannot express: which field, and what it breaks. */
export function refused(field: string, rule: string): GatewayError {
  return new GatewayError('invalid_request', `${field}: ${rule}`, { details: { field } });
}

/** Refuses what changes an answer and has no counterpart at the provider: better an error than an answer to something else. */
export function refuseUnless(isExpressible: boolean, field: string, provider: string): void {
  if (!isExpressible) throw refused(field, `cannot be expressed for ${provider}; leave it out`);
}

/** The items of a list that must be there, each an object. */
export function requireObjects(value: Maybe, field: string): JsonObject[] {
  if (!Array.isArray(value)) throw refused(field, 'must be a list');
  return value.map((item, index) => {
    if (!isObject(item)) throw refused(`${field}[${index}]`, 'must be an object');
    return item;
  });
}
