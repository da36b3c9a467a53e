import type { GatewayOptions } from '../../src/app.ts';
import type { McpAuthRequired, McpSession } from '../../src/contract/mcp-session.ts';
import { httpClient, startGateway, type ApiAnswer, type GatewayAccess, type TestGateway } from './gateway.ts';
import { startUpstream, type Upstream } from './upstream.ts';

type JsonObject = Record<string, unknown>;

/** The headers that the server of this scene wants of each caller. */
export const HEADER_KEYS = ['x-user-token'];
/** What an administrator tries the server with. */
export const SAMPLE = { 'x-user-token': 'token-of-the-admin' };

/** A gateway and a server "c1" that lets in who sends a token that it knows. */
export interface PersonalScene extends AsyncDisposable {
  readonly gateway: TestGateway;
  readonly upstream: Upstream;
  readonly id: string;
  /** The tokens that the server knows. */
  readonly known: Set<string>;
}

/** Starts a gateway whose links carry tokens, and registers the server, open to all keys. */
export async function startPersonalScene({
  gateway: options = {},
  client = {},
}: { gateway?: GatewayOptions; client?: JsonObject } = {}): Promise<PersonalScene> {
  const known = new Set<string>(Object.values(SAMPLE));
  const upstream = await startUpstream();
  upstream.admits = (headers) => known.has(String(headers['x-user-token']));
  const gateway = await startGateway(options);
  await allowLinks(gateway);
  const id = await gateway.createClient(personalClient(upstream.url, { user_headers: SAMPLE, ...client }));
  return {
    gateway,
    upstream,
    id,
    known,
    async [Symbol.asyncDispose]() {
      await gateway.close();
      await upstream.stop();
    },
  };
}

/** Switches on the tokens in links. */
export async function allowLinks(gateway: GatewayAccess, more: JsonObject = {}): Promise<void> {
  const client_config = { mcp_enable_temp_token_auth: true, ...more };
  const { status, body } = await gateway.api('PUT', '/api/config', { client_config });
  if (status !== 200) throw new Error(`config: ${status} ${JSON.stringify(body)}`);
}

/** The body that registers a server to which each caller sends a token of their own. */
export function personalClient(url: string, more: JsonObject = {}): JsonObject {
  return httpClient(url, {
    auth_type: 'per_user_headers',
    per_user_header_keys: HEADER_KEYS,
    allow_on_all_virtual_keys: true,
    ...more,
  });
}

/** What a refused call asks its caller to do. */
export function requiredIn({ status, body }: ApiAnswer): McpAuthRequired {
  const { mcp_auth_required } = body['extra_fields'] as { mcp_auth_required?: McpAuthRequired };
  if (status !== 401 || mcp_auth_required === undefined) throw new Error(`${status} ${JSON.stringify(body)}`);
  return mcp_auth_required;
}

/** Enters headers through the API, with nothing but the token of a link. */
export function submit(
  gateway: GatewayAccess,
  { session_id, submit_url }: Pick<McpAuthRequired, 'session_id' | 'submit_url'>,
  headers: Record<string, string>,
  label?: string,
): Promise<ApiAnswer> {
  return gateway.api(
    'PUT',
    `/api/mcp/per-user-headers/flows/${session_id}`,
    { headers, label },
    {
      authorization: '',
      'x-bifrost-temp-token': tokenIn(submit_url ?? ''),
    },
  );
}

/** The token in the fragment of a link. */
export function tokenIn(url: string): string {
  return new URLSearchParams(new URL(url).hash.slice(1)).get('t') ?? '';
}

/** The credentials of callers, as they are listed. */
export async function listSessions(gateway: GatewayAccess, query = ''): Promise<McpSession[]> {
  const { status, body } = await gateway.api('GET', `/api/mcp/sessions?${query}`);
  if (status !== 200) throw new Error(`sessions: ${status} ${JSON.stringify(body)}`);
  return body['sessions'] as McpSession[];
}
