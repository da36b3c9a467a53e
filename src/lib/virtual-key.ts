import { hash, randomUUID } from 'node:crypto';

/** What the gateway's own virtual keys begin with; compare in lower case. */
export const VIRTUAL_KEY_PREFIX = 'sk-bf-';

/** A fresh value for a virtual key. */
export function newKeyValue(): string {
  return VIRTUAL_KEY_PREFIX + randomUUID();
}

/** How a value is looked up: SHA-256 in hex. Values are random, so a slow hash would add nothing. */
export function hashKeyValue(value: string): string {
  return hash('sha256', value);
}
