import { GatewayError } from '../../lib/errors.ts';

/** Where `http:` is allowed: nothing leaves this machine (RFC 8252 §7.3). */
export function isLoopback({ hostname }: URL): boolean {
  return /^(?:localhost|.+\.localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname);
}

/** True for an address that secrets may be sent to, or a browser be led to. */
export function isSafeEndpoint(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  const isSecure = url.protocol === 'https:' || (url.protocol === 'http:' && isLoopback(url));
  return isSecure && url.username === '' && url.password === '' && url.hash === '';
}

/** Throws unless the endpoint is https (or on the loopback), without user and fragment. */
export function checkEndpoint(text: string, name: string): string {
  if (isSafeEndpoint(text)) return text;
  throw new GatewayError(
    'upstream_refused',
    `the ${name} ${JSON.stringify(text.slice(0, 200))} is not an https address`,
  );
}

/** The canonical address of a server as a resource (RFC 8707 as MCP uses it): no fragment, no slash at the end. */
export function canonicalResource(address: string): string {
  const url = new URL(address);
  url.hash = '';
  const text = url.href;
  return url.search === '' && text.endsWith('/') ? text.slice(0, -1) : text;
}

/** Where a server may publish its protected resource metadata: beside its path, then at the root (RFC 9728 §3.1). */
export function resourceMetadataUrls(address: string): string[] {
  const { origin, pathname, search } = new URL(address);
  const root = `${origin}/.well-known/oauth-protected-resource`;
  const path = pathname.replace(/\/$/, '');
  return path === '' ? [root] : [`${root}${path}${search}`, root];
}
