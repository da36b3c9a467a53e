import { z } from 'zod';
import { parseObject } from '../../lib/json-value.ts';
import type { OAuthConfig, OAuthServer } from '../../store/oauth-configs.ts';
import { parseChallenge, type BearerChallenge } from './challenge.ts';
import type { Trace, TracedStep } from './trace.ts';
import { canonicalResource, checkEndpoint, isSafeEndpoint, resourceMetadataUrls } from './urls.ts';

/** The server to sign in to. */
export interface Target {
  readonly address: string;
  readonly connection_type: 'http' | 'sse';
  /** What every request to it carries; sent to it alone. */
  readonly headers: Readonly<Record<string, string>>;
}

/** What a server and its authorization server say of themselves. */
export interface Discovered {
  readonly server: OAuthServer;
  /** The resource indicator, where the server names one. */
  readonly resource: string | undefined;
  readonly challengedScope: string | undefined;
  readonly resourceScopes: readonly string[] | undefined;
}

type Given = Pick<OAuthConfig, 'grant_type' | 'authorize_url' | 'token_url' | 'registration_url' | 'issuer'>;

const texts = z.array(z.string()).optional().catch(undefined);
const ResourceMetadata = z.object({ resource: z.string(), authorization_servers: texts, scopes_supported: texts });
type ResourceMetadata = z.infer<typeof ResourceMetadata>;

const ServerMetadata = z.object({
  issuer: z.string(),
  authorization_endpoint: z.string().optional().catch(undefined),
  token_endpoint: z.string(),
  jwks_uri: z.string().optional().catch(undefined),
  registration_endpoint: z.string().optional().catch(undefined),
  scopes_supported: texts,
  code_challenge_methods_supported: texts,
  token_endpoint_auth_methods_supported: texts,
  client_id_metadata_document_supported: z.boolean().optional().catch(undefined),
  authorization_response_iss_parameter_supported: z.boolean().optional().catch(undefined),
});
export type ServerMetadata = z.infer<typeof ServerMetadata>;

const RFC9728 = 'RFC 9728: a protected server names its authorization servers';
const RFC8414 = 'RFC 8414 / OpenID Connect Discovery: an authorization server describes itself';

/** Finds out where to sign in to a server: from the operator, else from the server itself. */
export async function discover(target: Target, given: Given, trace: Trace): Promise<Discovered> {
  const needsBrowser = given.grant_type === 'authorization_code';
  if (given.token_url !== undefined && (given.authorize_url !== undefined || !needsBrowser)) {
    trace.note({ step: 'discovery', outcome: 'skipped', detail: 'the endpoints are given' });
    return {
      server: complete(given, undefined),
      resource: undefined,
      challengedScope: undefined,
      resourceScopes: undefined,
    };
  }
  const challenge = await probe(target, trace);
  const metadata = await findResourceMetadata(target.address, challenge, trace);
  const servers = metadata?.authorization_servers ?? [];
  // Of several, the one where the gateway is registered already.
  const named = servers.find((issuer) => issuer === given.issuer) ?? servers[0];
  const found = await findServerMetadata(named ?? `${new URL(target.address).origin}/`, trace);
  if (found === undefined && named !== undefined) {
    throw trace.fail(
      { step: 'authorization_server_metadata', rule: RFC8414, hint: 'Give authorize_url and token_url' },
      `the authorization server ${named} has no metadata`,
    );
  }
  if (found !== undefined && needsBrowser) checkPkce(found, trace);
  const server = complete(given, found, new URL(target.address).origin);
  if (needsBrowser && server.authorization_endpoint === undefined) {
    throw trace.fail(
      { step: 'authorization_server_metadata', rule: RFC8414, hint: 'Give authorize_url, or use client_credentials' },
      `the authorization server ${server.issuer} has no authorization endpoint`,
    );
  }
  return {
    server,
    resource: metadata?.resource,
    challengedScope: challenge?.scope,
    resourceScopes: metadata?.scopes_supported,
  };
}

/** Asks the server without a token, which it should refuse with a hint where to get one. */
export async function probe(target: Target, trace: Trace): Promise<BearerChallenge | undefined> {
  const { address, connection_type, headers } = target;
  const about = {
    step: 'probe',
    rule: 'RFC 9728 §5.1: a 401 names the metadata in WWW-Authenticate',
    mayMiss: true,
  };
  // A question that opens no session where the server answers it after all.
  const ask = { method: 'POST', body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'ping' }) };
  const accept = { accept: 'application/json, text/event-stream', 'content-type': 'application/json' };
  const signal = AbortSignal.timeout(10_000);
  try {
    const { response } = await trace.fetch(about, address, {
      ...(connection_type === 'http' ? ask : {}),
      headers: { ...headers, ...(connection_type === 'http' ? accept : { accept: 'text/event-stream' }) },
      signal,
    });
    return response.status === 401 || response.status === 403
      ? parseChallenge(response.headers.get('www-authenticate'))
      : undefined;
  } catch (error) {
    // A server without authentication may open a stream here, which only the time limit ends.
    if (!signal.aborted) throw error;
    trace.note({ step: 'probe', outcome: 'skipped', detail: 'the server did not end its answer, as to a stream' });
    return undefined;
  }
}

async function findResourceMetadata(
  address: string,
  challenge: BearerChallenge | undefined,
  trace: Trace,
): Promise<ResourceMetadata | undefined> {
  const named = challenge?.resource_metadata;
  const urls = [...(named !== undefined && isSafeEndpoint(named) ? [named] : []), ...resourceMetadataUrls(address)];
  for (const url of new Set(urls)) {
    const step = 'protected_resource_metadata';
    const document = await readDocument({ step, rule: RFC9728 }, url, trace);
    const metadata = ResourceMetadata.safeParse(document);
    if (!metadata.success) continue;
    await checkResource(metadata.data.resource, address, trace);
    return metadata.data;
  }
  const detail = 'no protected resource metadata: looking at the server itself, as in MCP 2025-03-26';
  trace.note({ step: 'protected_resource_metadata', outcome: 'skipped', detail });
  return undefined;
}

/** A server that speaks for another resource could have a token made that is good there. */
async function checkResource(resource: string, address: string, trace: Trace): Promise<void> {
  const { checkResourceAllowed } = await import('@modelcontextprotocol/client');
  const isAllowed =
    URL.canParse(resource) && checkResourceAllowed({ requestedResource: address, configuredResource: resource });
  if (isAllowed) return;
  throw trace.fail(
    {
      step: 'protected_resource_metadata',
      rule: 'RFC 9728 §3.3: the metadata must be about the server that was asked',
      hint: `Correct "resource" in its metadata, or connection_string`,
    },
    `the server says that it is ${JSON.stringify(resource.slice(0, 200))}, not ${canonicalResource(address)}`,
  );
}

/** What an authorization server says of itself; undefined when it says nothing. */
export async function findServerMetadata(issuer: string, trace: Trace): Promise<ServerMetadata | undefined> {
  const step = 'authorization_server_metadata';
  if (!isSafeEndpoint(issuer)) checkEndpoint(issuer, 'authorization server');
  const { buildDiscoveryUrls } = await import('@modelcontextprotocol/client');
  for (const { url } of buildDiscoveryUrls(issuer)) {
    const metadata = ServerMetadata.safeParse(await readDocument({ step, rule: RFC8414 }, url.href, trace));
    if (!metadata.success) continue;
    const said = metadata.data.issuer;
    if (said === issuer || `${said}/` === issuer) return metadata.data;
    throw trace.fail(
      { step, rule: 'RFC 8414 §3.3: the issuer in the metadata must be the one that was asked' },
      `${issuer} says that it is ${JSON.stringify(said.slice(0, 200))}`,
    );
  }
  return undefined;
}

/** A JSON object; undefined where there is none, which a page for people at that address also is. */
async function readDocument(about: { step: string; rule: string }, url: string, trace: Trace): Promise<unknown> {
  const headers = { accept: 'application/json', 'mcp-protocol-version': '2025-11-25' };
  const { response, text } = await fetchWithinOrigin({ ...about, mayMiss: true }, url, headers, trace);
  if (response.ok) return parseObject(text);
  // A fault says nothing of what the server has; to go on without would ask less of it than it demands.
  if (response.status < 500 || response.status === 501 || response.status === 502) return undefined;
  throw trace.fail({ ...about, hint: 'Try again later' }, `${url} answered ${response.status}`);
}

/** Follows redirects (a slash more, say) as long as they stay with the one who was asked. */
async function fetchWithinOrigin(about: TracedStep, from: string, headers: Record<string, string>, trace: Trace) {
  let url = from;
  for (let left = 3; ; left -= 1) {
    const answer = await trace.fetch(about, url, { headers });
    const location = answer.response.headers.get('location');
    if (left === 0 || location === null || ![301, 302, 307, 308].includes(answer.response.status)) return answer;
    if (!URL.canParse(location, url) || new URL(location, url).origin !== new URL(url).origin) return answer;
    url = new URL(location, url).href;
  }
}

function checkPkce({ issuer, code_challenge_methods_supported: methods }: ServerMetadata, trace: Trace): void {
  if (methods?.includes('S256') === true) return;
  throw trace.fail(
    {
      step: 'authorization_server_metadata',
      rule: 'MCP: clients must refuse an authorization server that does not say it supports PKCE with S256',
      hint: 'Let it publish code_challenge_methods_supported, or give authorize_url and token_url',
    },
    `the authorization server ${issuer} does not support PKCE with S256`,
  );
}

/** What was given, then what was found, then what MCP 2025-03-26 took for granted at `origin`. */
function complete(given: Given, found: ServerMetadata | undefined, origin?: string): OAuthServer {
  const at = (path: string): string | undefined =>
    found === undefined && origin !== undefined ? origin + path : undefined;
  const authorize = given.authorize_url ?? found?.authorization_endpoint ?? at('/authorize');
  const token = checkEndpoint(given.token_url ?? found?.token_endpoint ?? at('/token') ?? '', 'token endpoint');
  const registration = given.registration_url ?? found?.registration_endpoint ?? at('/register');
  return {
    issuer: found?.issuer ?? origin ?? new URL(token).origin,
    isVerified: found !== undefined,
    authorization_endpoint: authorize === undefined ? undefined : checkEndpoint(authorize, 'authorization endpoint'),
    token_endpoint: token,
    registration_endpoint:
      registration === undefined ? undefined : checkEndpoint(registration, 'registration endpoint'),
    scopes_supported: found?.scopes_supported ?? [],
    token_endpoint_auth_methods_supported: found?.token_endpoint_auth_methods_supported,
    client_id_metadata_document_supported: found?.client_id_metadata_document_supported ?? false,
    authorization_response_iss_parameter_supported: found?.authorization_response_iss_parameter_supported ?? false,
  };
}
