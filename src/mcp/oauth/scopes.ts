/** A hostile server must not grow what is asked for without end. */
const MAX_SCOPES = 100;
const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]{1,200}$/;

/** The scopes of a `scope` text; what is no scope by RFC 6749 §3.3 is left out. */
export function parseScopes(text: string | undefined): string[] {
  return (text ?? '').split(' ').filter((scope) => SCOPE.test(scope));
}

/** Each scope once, in the order they come. */
export function unionScopes(...lists: readonly (readonly string[])[]): string[] {
  return [...new Set(lists.flat())].filter((scope) => SCOPE.test(scope)).slice(0, MAX_SCOPES);
}

/** True when some wanted scope is not among the granted. */
export function lacksScope(granted: readonly string[], wanted: readonly string[]): boolean {
  return wanted.some((scope) => !granted.includes(scope));
}

interface ScopeSources {
  /** What the operator wrote down: taken exactly. */
  readonly given: readonly string[];
  readonly challenge: string | undefined;
  readonly resource: readonly string[] | undefined;
  readonly server: readonly string[];
  readonly grant: 'authorization_code' | 'client_credentials';
}

/** Which scopes to ask for: the operator's, else the server's challenge, else all of its metadata, else none (MCP, Scope Selection). */
export function chooseScopes({ given, challenge, resource, server, grant }: ScopeSources): string[] {
  if (given.length > 0) return unionScopes(given);
  const challenged = parseScopes(challenge);
  const wanted = challenged.length > 0 ? challenged : (resource ?? []);
  // Without it most authorization servers give no refresh token, and a person would have to sign in again and again.
  const offline = grant === 'authorization_code' && server.includes('offline_access') ? ['offline_access'] : [];
  return unionScopes(wanted, offline);
}
