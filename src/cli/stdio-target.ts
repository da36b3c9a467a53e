import { GatewayError } from '../lib/errors.ts';
import type { Target } from './bridge/link.ts';

/** The flags of `asbru stdio`, as the command line gave them. */
export interface StdioFlags {
  readonly url?: string;
  readonly key?: string;
  readonly header?: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

const DEFAULT_URL = 'http://localhost:8080/mcp';
/** What the transport says itself, about the body or about the connection. */
const RESERVED =
  /^(accept|connection|content-.*|expect|host|keep-alive|last-event-id|mcp-(method|name|protocol-version|session-id)|proxy-connection|te|trailer|transfer-encoding|upgrade)$/i;

/** Where the gateway is and how to come in: a flag beats the environment, and a header of the user's own beats the key. */
export function resolveTarget(flags: StdioFlags, env: Environment): Target {
  const url = readUrl(pick(flags.url, env.ASBRU_URL) ?? DEFAULT_URL);
  const key = pick(flags.key, env.ASBRU_KEY, env.ASBRU_API_KEY);
  const headers = (flags.header ?? []).flatMap(readHeader);
  const isAuthorized = headers.some((name, index) => index % 2 === 0 && name.toLowerCase() === 'authorization');
  if (key === undefined || isAuthorized) return { url, headers };
  if (!isValue(key)) throw refuse('the key has a character in it that no HTTP header can hold');
  return { url, headers: [...headers, 'authorization', `Bearer ${key}`] };
}

function pick(...values: readonly (string | undefined)[]): string | undefined {
  return values.map((value) => value?.trim()).find((value) => value !== undefined && value !== '');
}

function readUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && (url.username !== '' || url.password !== '')) {
    throw refuse('the address must not hold a name or a password; use --key or --header for them');
  }
  if (url?.protocol === 'http:' || url?.protocol === 'https:') return url;
  throw refuse(`"${text}" is not an address such as ${DEFAULT_URL}`);
}

function readHeader(text: string): [name: string, value: string] {
  const [, name, value] = /^([^:\s]+):(.*)$/s.exec(text) ?? [];
  // The whole text may hold a secret, so it is not repeated.
  if (name === undefined || value === undefined) throw refuse('a header must look like "Name: value"');
  if (!/^[\w!#$%&'*+.^`|~-]+$/.test(name)) throw refuse(`"${name}" is not the name of an HTTP header`);
  if (RESERVED.test(name)) throw refuse(`the header ${name} belongs to the connection and cannot be chosen`);
  if (!isValue(value.trim())) throw refuse(`the header ${name} has a character in it that no HTTP header can hold`);
  return [name, value.trim()];
}

function isValue(text: string): boolean {
  return /^[\t\x20-\x7e\x80-\xff]*$/.test(text);
}

function refuse(message: string): GatewayError {
  return new GatewayError('invalid_request', message);
}
