import type { Diagnosis } from '../../contract/diagnosis.ts';
import type { OAuthTraceStep } from '../../contract/oauth.ts';
import type { OAuthConfig, OAuthServer } from '../../store/oauth-configs.ts';
import type { TokenView } from './oauth.ts';
import type { Trace } from './trace.ts';

/** What to do about a failed step that does not say it itself. */
const HINTS: Readonly<Record<string, string>> = {
  probe: 'Check connection_string, and that the gateway can reach it (name, proxy, egress settings)',
  discovery: 'Check connection_string, or give authorize_url and token_url in oauth_config',
  protected_resource_metadata: 'Let the server publish its protected resource metadata, or correct connection_string',
  authorization_server_metadata:
    'Check that the gateway can reach the authorization server, and what authorization_servers of the server names',
  registration: 'Register the gateway there yourself and give oauth_config.client_id',
  authorization_response: 'Sign in again with POST /api/mcp/client/{id}/reauthorize, and consent',
  token: 'Check client_id, its secret and the redirect URI, then sign in again',
  refresh: 'Sign in again with POST /api/mcp/client/{id}/reauthorize',
};

/** What a step that does not name its rule is measured by. */
const RULES: Readonly<Record<string, string>> = {
  discovery: 'MCP: a client finds the authorization server from the address of the server, unless it is told',
  registration: 'MCP: pre-registered, then client id metadata document, then dynamic registration',
};

/** What the reader needs of documents that say much more. */
const RELEVANT = new Set([
  ...['resource', 'authorization_servers', 'issuer', 'authorization_endpoint', 'token_endpoint'],
  ...['registration_endpoint', 'scopes_supported', 'code_challenge_methods_supported', 'grant_types_supported'],
  ...['token_endpoint_auth_methods_supported', 'client_id_metadata_document_supported', 'error', 'error_description'],
  'authorization_response_iss_parameter_supported',
]);

/** Steps as the diagnosis shows them: only what matters of their documents, and what to do if they failed. */
export function explainSteps(steps: readonly OAuthTraceStep[]): OAuthTraceStep[] {
  return steps.map((step, place) => {
    // A probe that fails ends everything. One that is followed by more was only not answered to the end.
    const isOver = step.step === 'probe' && step.outcome === 'failed' && place < steps.length - 1;
    return explainStep(isOver ? { ...step, outcome: 'skipped' } : step);
  });
}

function explainStep(step: OAuthTraceStep): OAuthTraceStep {
  const {
    outcome,
    hint = outcome === 'failed' ? HINTS[step.step] : undefined,
    response,
    rule = RULES[step.step],
    ...rest
  } = step;
  const body = response?.['body'];
  const isDocument = step.step.endsWith('_metadata') && typeof body === 'object' && body !== null;
  const shown = isDocument
    ? { ...response, body: Object.fromEntries(Object.entries(body).filter(([name]) => RELEVANT.has(name))) }
    : response;
  // Being refused without a token is what a protected server is asked for.
  const isExpected = step.step === 'probe' && outcome === 'skipped' && response?.['status'] === 401;
  return {
    ...rest,
    outcome: isExpected ? 'ok' : outcome,
    ...(shown === undefined ? {} : { response: shown }),
    ...(rule === undefined ? {} : { rule }),
    ...(hint === undefined ? {} : { hint }),
  };
}

/** What the authorization server offers, once its metadata have passed the checks that a sign-in makes. */
export function judgeServer(server: OAuthServer, grant: OAuthConfig['grant_type'], trace: Trace): void {
  if (grant === 'client_credentials') {
    trace.note({ step: 'pkce', outcome: 'skipped', detail: 'client_credentials needs no browser and no PKCE' });
    return;
  }
  const pkce = { step: 'pkce', rule: 'OAuth 2.1 §7.5.2, MCP: the code is bound to a verifier with S256' };
  const iss = { step: 'issuer_parameter', rule: 'RFC 9207 §3: the server says that its answers carry iss' };
  if (!server.isVerified) {
    const detail = 'not known: nothing was discovered about the authorization server. The gateway sends S256 anyway';
    trace.note({ ...pkce, outcome: 'skipped', detail });
    trace.note({ ...iss, outcome: 'skipped', detail: 'not known' });
    return;
  }
  trace.note({ ...pkce, outcome: 'ok', detail: `${server.issuer} supports S256` });
  trace.note(
    server.authorization_response_iss_parameter_supported
      ? { ...iss, outcome: 'ok', detail: 'answers must carry iss, and it is compared' }
      : { ...iss, outcome: 'skipped', detail: 'not announced: iss is compared only where an answer carries it' },
  );
}

interface RegistrationFacts {
  readonly server: OAuthServer;
  readonly config: OAuthConfig | undefined;
  readonly hasDocument: boolean;
  readonly trace: Trace;
}

/** The way in which the gateway is, or would be, known to the authorization server. Registers nothing. */
export function checkRegistration({ server, config, hasDocument, trace }: RegistrationFacts): void {
  const about = {
    step: 'registration_ways',
    rule: 'MCP: pre-registered, then client id metadata document, then dynamic registration (RFC 7591)',
  };
  const { registration, issuer } = config ?? {};
  if (issuer !== undefined && issuer !== server.issuer) {
    const detail = `the server now names the authorization server ${server.issuer}; the gateway is registered at ${issuer}`;
    trace.note({
      ...about,
      rule: 'MCP: credentials of one authorization server must never be used at another',
      outcome: 'failed',
      detail,
      hint:
        registration === 'given'
          ? 'If this is intended, register there and give a new oauth_config'
          : 'If this is intended, sign in again with POST /api/mcp/client/{id}/reauthorize',
    });
    return;
  }
  const isBrowser = config?.grant_type !== 'client_credentials';
  const ways = [
    registration === 'given' ? 'the client id is given' : '',
    isBrowser && server.client_id_metadata_document_supported && hasDocument ? 'client id metadata document' : '',
    isBrowser && server.registration_endpoint !== undefined ? 'dynamic registration' : '',
  ].filter((way) => way !== '');
  const used = registration === undefined ? '' : `; in use: ${registration}`;
  if (ways.length > 0) trace.note({ ...about, outcome: 'ok', detail: `possible: ${ways.join(', ')}${used}` });
  else
    trace.note({
      ...about,
      outcome: 'failed',
      detail: `the authorization server ${server.issuer} does not let clients register themselves`,
      hint: 'Register the gateway there yourself and give oauth_config.client_id (and client_secret)',
    });
}

/** Whether there is a token that calls can be made with. */
export function judgeToken(token: TokenView | undefined, config: OAuthConfig | undefined, trace: Trace): void {
  const about = { step: 'token_state', rule: 'Calls need an active token, or one that can be refreshed' };
  const again = 'Sign in again with POST /api/mcp/client/{id}/reauthorize';
  if (config === undefined || token === undefined) {
    const reason = config?.status_reason === undefined ? '' : ` (${config.status_reason})`;
    const detail = `nobody has signed in: the sign-in is ${config?.status ?? 'not begun'}${reason}`;
    const hint = config?.status === 'revoked' ? again : 'Sign in with POST /api/mcp/client/{id}/initiate-verification';
    trace.note({ ...about, outcome: 'failed', detail, hint });
    return;
  }
  const isOver = token.expires_at !== undefined && token.expires_at <= Date.now();
  if (token.status !== 'active') {
    const detail = `the token is ${token.status}: ${token.status_reason ?? 'no reason was recorded'}`;
    trace.note({ ...about, outcome: 'failed', detail, hint: again });
  } else if (isOver && !token.isRenewable) {
    trace.note({ ...about, outcome: 'failed', detail: 'the token is over and there is no refresh token', hint: again });
  } else {
    const detail = isOver ? 'the token is over; the next call refreshes it' : 'the token is active';
    trace.note({ ...about, outcome: 'ok', detail });
  }
}

/** A token without its value. */
export function tokenState(token: TokenView): NonNullable<Diagnosis['token']> {
  const { status, status_reason, scopes, wanted_scopes, isRenewable, expires_at, last_refreshed_at } = token;
  return {
    ...{ status, scopes: [...scopes], wanted_scopes: [...wanted_scopes], is_renewable: isRenewable },
    ...(status_reason === undefined ? {} : { status_reason }),
    ...(expires_at === undefined ? {} : { expires_at: new Date(expires_at).toISOString() }),
    ...(last_refreshed_at === undefined ? {} : { last_refreshed_at: new Date(last_refreshed_at).toISOString() }),
  };
}

/** Some put a key into the address of a server, which its documents and our own messages repeat. */
export function secretsIn(address: string): string[] {
  if (!URL.canParse(address)) return [];
  const { username, password, search, pathname } = new URL(address);
  const [, query = ''] = address.split('?', 2);
  const segments = [...pathname.split('/'), ...address.split(/[/?#]/).slice(3)].filter(({ length }) => length >= 16);
  const user = [`${username}:${password}@`, `${username}@`].filter(({ length }) => length > 2);
  const parts = [search, query === '' ? '' : `?${query}`, ...user, password, ...segments];
  // Those that contain others first.
  return [...new Set(parts)].filter(({ length }) => length > 1).toSorted((a, b) => b.length - a.length);
}

/** The same value without these texts. */
export function hideTexts(value: unknown, secrets: readonly string[]): unknown {
  const hide = (text: string): string =>
    secrets.reduce((left, secret) => left.replaceAll(secret, secret.startsWith('?') ? '?…' : '…'), text);
  return JSON.parse(JSON.stringify(value, (_, part: unknown) => (typeof part === 'string' ? hide(part) : part)));
}
