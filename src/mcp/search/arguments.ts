import { GatewayError } from '../../lib/errors.ts';
import type { JsonObject } from '../../lib/json-rpc.ts';
import type { ClientRequest } from '../client-side.ts';

/** The arguments of a call of a built-in tool. */
export function readArguments({ params }: Pick<ClientRequest, 'params'>): JsonObject {
  const value = JSON.parse(params.members.get('arguments') ?? '{}') as unknown;
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as JsonObject;
  throw new GatewayError('invalid_request', 'arguments: must be an object');
}

/** A text that may be left out. */
export function textIn(input: JsonObject, name: string): string | undefined {
  const value = input[name];
  if (value === undefined || value === null) return undefined;
  if (typeof value === 'string') return value;
  throw new GatewayError('invalid_request', `${name}: must be a text`);
}

/** A whole number that may be left out. Models write numbers as texts too. */
export function numberIn(input: JsonObject, name: string, least: number, most: number): number | undefined {
  const value = input[name];
  if (value === undefined || value === null) return undefined;
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : value;
  if (typeof number === 'number' && Number.isInteger(number) && number >= least) return Math.min(number, most);
  throw new GatewayError('invalid_request', `${name}: must be a whole number from ${least} on`);
}
