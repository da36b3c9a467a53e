import type { createRemoteJWKSet, FetchImplementation } from 'jose';
import type { GatewayError } from '../../lib/errors.ts';
import type { OAuthServer } from '../../store/oauth-configs.ts';
import { findServerMetadata, type ServerMetadata } from '../oauth/discovery.ts';
import type { FetchFor } from '../oauth/fetch.ts';
import { createTrace, type Trace } from '../oauth/trace.ts';
import { checkEndpoint } from '../oauth/urls.ts';
import type { Plan } from './plan.ts';

/** An identity provider: who it says it is, where it exchanges, and the keys that it signs with. */
export interface Provider {
  readonly issuer: string;
  readonly server: OAuthServer;
  readonly jwks_url: string;
  readonly keys: ReturnType<typeof createRemoteJWKSet>;
}

/** The providers that servers name, each asked once an hour at most. */
export interface Providers {
  get(plan: Plan): Promise<Provider>;
  /** Asks afresh and takes every step down. */
  ask(plan: Plan, trace: Trace): Promise<Provider>;
  /** For requests to an address that an administrator named, or to one that was named by what is there. */
  traceAt(address: string): Trace;
}

const KEPT_MS = 60 * 60_000;
const MAX_KEPT = 200;
const RULE = 'RFC 8414 / OpenID Connect Discovery: the provider says where it exchanges tokens and what it signs with';

/** Discovers providers. A failure is not kept. */
export function createProviders(fetchFor: FetchFor): Providers {
  const known = new Map<string, { readonly until: number; readonly provider: Promise<Provider> }>();

  function get(plan: Plan): Promise<Provider> {
    const key = JSON.stringify(plan.provider);
    const kept = known.get(key);
    if (kept !== undefined && kept.until > Date.now()) return kept.provider;
    if (known.size >= MAX_KEPT) known.clear();
    const entry = { until: Date.now() + KEPT_MS, provider: ask(plan, traceAt(plan.provider.issuer)) };
    known.set(key, entry);
    entry.provider.catch(() => {
      if (known.get(key) === entry) known.delete(key);
    });
    return entry.provider;
  }

  async function ask({ provider: { issuer, token_url, jwks_url } }: Plan, trace: Trace): Promise<Provider> {
    const isGiven = token_url !== undefined && jwks_url !== undefined;
    const found = isGiven ? undefined : await findServerMetadata(issuer, trace);
    if (!isGiven && found === undefined)
      throw missing(trace, `the identity provider ${issuer} has no metadata`, 'Give token_url and jwks_url');
    const keysAt = jwks_url ?? found?.jwks_uri;
    if (keysAt === undefined) throw missing(trace, `${issuer} does not say where its keys are`, 'Give jwks_url');
    const server = serverOf(issuer, checkEndpoint(token_url ?? found?.token_endpoint ?? '', 'token endpoint'), found);
    const { createRemoteJWKSet, customFetch } = await import('jose');
    const jwks = checkEndpoint(keysAt, 'address of the keys');
    const about = { step: 'jwks', rule: 'RFC 7517: the keys that the provider signs with' };
    // Bounded in size by the trace, and behind the guard. A trace of its own: keys are looked up later, too.
    const fetchKeys: FetchImplementation = async (url, { headers, signal }) => {
      const { response, text } = await traceAt(jwks_url ?? issuer).fetch(about, url, { headers, signal });
      return new Response(text, { status: response.status, headers: { 'content-type': 'application/json' } });
    };
    const keys = createRemoteJWKSet(new URL(jwks), { [customFetch]: fetchKeys });
    return { issuer: found?.issuer ?? issuer, server, jwks_url: jwks, keys };
  }

  /** What an administrator named may lie in the local network, and so may what is at the same place. */
  function traceAt(address: string): Trace {
    return createTrace(fetchFor(address));
  }

  return { get, ask, traceAt };
}

function serverOf(issuer: string, token_endpoint: string, found: ServerMetadata | undefined): OAuthServer {
  return {
    issuer: found?.issuer ?? issuer,
    isVerified: found !== undefined,
    authorization_endpoint: undefined,
    token_endpoint,
    registration_endpoint: undefined,
    scopes_supported: [],
    token_endpoint_auth_methods_supported: found?.token_endpoint_auth_methods_supported,
    client_id_metadata_document_supported: false,
    authorization_response_iss_parameter_supported: false,
  };
}

function missing(trace: Trace, message: string, hint: string): GatewayError {
  return trace.fail({ step: 'authorization_server_metadata', rule: RULE, hint }, message);
}
