import { Secret, type SecretInput } from '../../lib/secret.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { McpClient } from '../../store/mcp-clients.ts';
import { invalid } from '../client-rules.ts';
import type { Auth } from '../transport/auth.ts';

/** Header values by name in lower case. */
export type HeaderValues = Readonly<Record<string, string>>;

const MAX_LENGTH = 8_192;

/**
 * The values of exactly the headers that a server wants of each caller: those that were sent and, where one was left empty, those
 * that are `kept`. What else was sent is dropped. Throws `invalid_request`, which names what is missing.
 */
export function readHeaderValues(
  { per_user_header_keys: keys }: McpClient,
  field: string,
  sent: HeaderValues,
  kept: HeaderValues = {},
): HeaderValues {
  const byName = new Map(Object.entries(sent).map(([name, value]) => [name.trim().toLowerCase(), value.trim()]));
  const values = keys.map(
    (key) => [key, byName.get(key) || (Object.hasOwn(kept, key) ? kept[key] : undefined)] as const,
  );
  const missing = values.filter(([, value]) => value === undefined).map(([key]) => key);
  if (missing.length > 0) {
    throw new GatewayError('invalid_request', `${field}: missing required headers: ${missing.join(', ')}`, {
      details: { field, missing },
    });
  }
  for (const [key, value = ''] of values) {
    if (value.length > MAX_LENGTH) throw invalid(`${field}.${key}`, `must be at most ${MAX_LENGTH} characters`);
    // What a header cannot carry as it was entered would arrive as something else, or break the request.
    if (/[^\t\x20-\x7e\x80-\xff]/.test(value))
      throw invalid(`${field}.${key}`, 'must not contain line breaks, control characters or letters beyond Latin-1');
  }
  return Object.freeze(Object.fromEntries(values) as Record<string, string>);
}

/** What an administrator sends to try a server with: values, or references to the environment. */
export function readSample(client: McpClient, sent: Readonly<Record<string, SecretInput>>): HeaderValues {
  const texts = Object.entries(sent).map(([name, value]) => [name, Secret.parse(value).resolve()]);
  return readHeaderValues(client, 'user_headers', Object.fromEntries(texts) as Record<string, string>);
}

/** A credential that is what it is, and is not kept. */
export function fixedAuth(values: HeaderValues): Auth {
  return { headers: () => values, refused: () => Promise.resolve(false) };
}
