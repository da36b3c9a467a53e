import { GatewayError } from '../../lib/errors.ts';
import type { Secret } from '../../lib/secret.ts';
import type { ProviderKey } from '../../store/providers.ts';

/** What each POST to a provider says of its body. */
export const JSON_BODY = { 'content-type': 'application/json' } as const;

const VERSION_AT_END = /\/v\d+[a-z0-9]*$/;

/**
 * An address below a base. Some are used to bases with the version at the end, others without: a path that begins with the version
 * fits both. An override that is a whole address is taken as it is.
 */
export function joinAddress(base: string, path: string): URL {
  if (/^https?:\/\//.test(path)) return parseAddress(path);
  const below = path.startsWith('/') ? path : `/${path}`;
  const version = /^\/v\d+[a-z0-9]*(?=\/)/.exec(below)?.[0];
  return parseAddress(`${version === undefined ? base : base.replace(VERSION_AT_END, '')}${below}`);
}

/** The text is not repeated: an endpoint may be a secret. */
function parseAddress(text: string): URL {
  const url = URL.parse(text);
  if (url?.protocol === 'https:' || url?.protocol === 'http:') return url;
  throw new GatewayError('invalid_request', 'the address of the provider must begin with https:// or http://');
}

/** A model as one segment of a path. A caller chose the name: it must not lead to another address of the provider. */
export function segment(model: string): string {
  if (/^\.{0,2}$/.test(model)) throw new GatewayError('invalid_request', `model: "${model}" is no name of a model`);
  return encodeURIComponent(model);
}

/** The text of a secret that a provider cannot do without. */
export function requireSecret(key: ProviderKey, field: string, secret: Secret | undefined): string {
  const text = secret?.resolve() ?? '';
  if (text !== '') return text;
  throw lacking(key, field, secret?.problem ?? 'is missing');
}

/** A setting that a provider cannot do without. */
export function requireSetting(key: ProviderKey, field: string, value: string | undefined): string {
  if (value !== undefined && value !== '') return value;
  throw lacking(key, field, 'is missing');
}

/** `authorization: Bearer`, where the key has a value: servers of one's own may want none. */
export function bearer(key: ProviderKey): Record<string, string> {
  return key.value.isSet ? { authorization: `Bearer ${requireSecret(key, 'value', key.value)}` } : {};
}

/** What is thrown for a key that lacks something. */
export function lacking(key: ProviderKey, field: string, rule: string): GatewayError {
  return new GatewayError('invalid_request', `${field} of the key "${key.name}" of ${key.provider}: ${rule}`, {
    details: { field },
  });
}
