import type { IncomingMessage, ServerResponse } from 'node:http';
import type { OAuthServer } from './oauth-server.ts';
import { startUpstream, type Upstream } from './upstream.ts';

/** An MCP server that lets nobody in without a token of its authorization server. */
export interface ProtectedUpstream extends AsyncDisposable {
  readonly url: string;
  readonly upstream: Upstream;
  /** The authorization servers that its metadata name; a test may send clients elsewhere. */
  authorizationServers: string[];
  /** Whose tokens it takes. */
  trusted: Pick<OAuthServer, 'verify'>;
  /** What it says that it is; its own address unless a test lies. */
  resource: string;
  /** Scopes that `tools/call` demands beyond those for everything else. */
  callScopes: string[];
  /** Publishes no metadata, as servers of 2025-03-26. */
  hidesMetadata: boolean;
  /** Its metadata come when this has settled. */
  metadataGate: Promise<void> | undefined;
  /** Refuses tokens issued before (epoch seconds). */
  refusesUntil: number;
  /** Refuses these tokens, as if they were withdrawn. */
  readonly withdrawn: Set<string>;
  /** Who called, by the `sub` of their tokens. */
  readonly subjects: readonly string[];
  readonly tokens: readonly string[];
  /** How often its metadata were asked for. */
  metadataRequests(): number;
}

/** Starts a protected MCP server on a free loopback port. */
export async function startProtectedUpstream(
  server: Pick<OAuthServer, 'issuer' | 'verify'>,
): Promise<ProtectedUpstream> {
  const subjects: string[] = [];
  const tokens: string[] = [];
  let metadataRequests = 0;
  const upstream = await startUpstream({ guard });
  const { origin, pathname } = new URL(upstream.url);
  const metadataPath = `/.well-known/oauth-protected-resource${pathname}`;

  async function guard(request: IncomingMessage, response: ServerResponse, body: unknown): Promise<boolean> {
    const path = request.url ?? '';
    if (path.startsWith('/.well-known/') || path === '/register' || path === '/token') {
      if (path !== metadataPath || protectedUpstream.hidesMetadata) return end(response, 404);
      metadataRequests += 1;
      await protectedUpstream.metadataGate;
      const { resource, authorizationServers: authorization_servers } = protectedUpstream;
      return end(response, 200, {}, { resource, authorization_servers, scopes_supported: ['tools'] });
    }
    const token = /^Bearer (.+)$/.exec(request.headers.authorization ?? '')?.[1];
    const claims =
      token === undefined
        ? undefined
        : await protectedUpstream.trusted.verify(token, upstream.url).catch(() => undefined);
    const isOld = (claims?.iat ?? 0) < protectedUpstream.refusesUntil;
    if (token === undefined || claims === undefined || isOld || protectedUpstream.withdrawn.has(token)) {
      return end(response, 401, {
        'www-authenticate': challenge(token === undefined ? '' : 'error="invalid_token", '),
      });
    }
    const granted = (typeof claims['scope'] === 'string' ? claims['scope'] : '').split(' ');
    const isCall = (body as { method?: string } | undefined)?.method === 'tools/call';
    const wanted = ['tools', ...(isCall ? protectedUpstream.callScopes : [])];
    if (wanted.some((scope) => !granted.includes(scope))) {
      const said = `Bearer error="insufficient_scope", scope="${wanted.join(' ')}"`;
      return end(response, 403, { 'www-authenticate': said });
    }
    subjects.push(claims.sub ?? '');
    tokens.push(token);
    return true;
  }

  function challenge(error: string): string {
    return protectedUpstream.hidesMetadata
      ? 'Bearer realm="mcp"'
      : `Bearer realm="mcp", ${error}resource_metadata="${origin}${metadataPath}", scope="tools"`;
  }

  const protectedUpstream: ProtectedUpstream = {
    url: upstream.url,
    upstream,
    authorizationServers: [server.issuer],
    trusted: server,
    resource: upstream.url,
    callScopes: [],
    hidesMetadata: false,
    metadataGate: undefined,
    metadataRequests: () => metadataRequests,
    refusesUntil: 0,
    withdrawn: new Set(),
    subjects,
    tokens,
    [Symbol.asyncDispose]: () => upstream.stop(),
  };
  return protectedUpstream;
}

function end(response: ServerResponse, status: number, headers: Record<string, string> = {}, body: object = {}): false {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(body));
  return false;
}
