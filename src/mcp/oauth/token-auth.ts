import { GatewayError } from '../../lib/errors.ts';
import type { Changes } from '../../store/changes.ts';
import type { McpClient } from '../../store/mcp-clients.ts';
import type { OAuthToken } from '../../store/oauth-tokens.ts';
import type { OAuthStore } from '../../store/oauth.ts';
import type { Auth } from '../transport/auth.ts';
import { isScopeChallenge, parseChallenge } from './challenge.ts';
import type { TokenOptions, TokenOwner, TokenProblem } from './oauth.ts';
import type { Renewal } from './renewal.ts';
import { lacksScope, parseScopes, unionScopes } from './scopes.ts';
import type { TokenBook } from './token-book.ts';

interface Deps {
  readonly book: TokenBook;
  readonly renewal: Renewal;
  readonly store: Pick<OAuthStore, 'tokens'>;
  readonly changes: Pick<Changes, 'publish'>;
}

/** A token is not used in its last seconds: the request has a way to go. */
const SKEW_MS = 5_000;
/** A token that is refused so soon after it was made because the one before was refused: renewing does not help. */
const TRUST_MS = 60_000;

type Headers = Readonly<Record<string, string>>;

/** Makes the credential that follows one owner's token, whatever becomes of it. */
export function createTokenAuth(deps: Deps) {
  const { book, renewal } = deps;
  /** By token: the headers made of it, and when (`performance.now()`) it was renewed because the server had refused the one before. */
  const made = new Map<string, { readonly access: OAuthToken['access']; readonly headers: Headers }>();
  const renewedAt = new Map<string, number>();
  book.onChanged(() => {
    for (const id of made.keys()) if (book.get(id) === undefined) made.delete(id);
    for (const id of renewedAt.keys()) if (book.get(id) === undefined) renewedAt.delete(id);
  });

  function headersOf({ id, access }: OAuthToken): Headers {
    const known = made.get(id);
    if (known?.access.equals(access) === true) return known.headers;
    const headers = Object.freeze({ authorization: `Bearer ${access.resolve()}` });
    made.set(id, { access, headers });
    return headers;
  }

  return (client: McpClient, owner: TokenOwner, { label = '', refuse = refuseForAdmin }: TokenOptions = {}): Auth => {
    const problem = (kind: TokenProblem['kind'], reason: string, wanted: readonly string[] = []): GatewayError =>
      refuse({ client, owner, kind, reason, wanted_scopes: wanted });

    /** The token, if it can be used or renewed. */
    function current(): OAuthToken {
      const token = book.find(client, owner, label);
      if (token === undefined) throw problem('missing', 'nobody has signed in yet');
      if (token.status === 'orphaned') throw problem('orphaned', token.status_reason ?? 'access was taken away');
      if (token.status !== 'active')
        throw problem('needs_reauth', token.status_reason ?? 'the sign-in is over', token.wanted_scopes);
      return token;
    }

    async function renew(token: OAuthToken): Promise<OAuthToken> {
      try {
        return await renewal.renew(token);
      } catch (error) {
        if (!(error instanceof GatewayError) || error.code !== 'upstream_refused') throw error;
        throw problem('needs_reauth', error.message, token.wanted_scopes);
      }
    }

    async function refusedToken(token: OAuthToken, isSecond: boolean): Promise<boolean> {
      const isFresh = performance.now() - (renewedAt.get(token.id) ?? -Infinity) < TRUST_MS;
      if (isSecond || isFresh || !renewal.canRenew(token)) {
        const reason = 'the server refused the token';
        const isOver = isSecond ? await renewal.endSignIn(token, reason) : await renewal.markForReauth(token, reason);
        // Else somebody signed in again elsewhere, of which the notice may be on its way.
        if (!isOver) return true;
        throw problem('needs_reauth', reason, token.wanted_scopes);
      }
      await renew(token);
      renewedAt.set(token.id, performance.now());
      return true;
    }

    /** Remembers what was lacking. The token goes on serving the calls for which it is enough. */
    async function lacksScopes(token: OAuthToken, scope: string | undefined): Promise<boolean> {
      const asked = parseScopes(scope);
      const wanted = unionScopes(token.scopes, token.wanted_scopes, asked);
      if (!lacksScope(token.scopes, asked)) {
        throw problem('more_scopes', 'the server wants more scopes, and names none that the token lacks', wanted);
      }
      if (lacksScope(token.wanted_scopes, wanted)) await keepWanted(deps, token, wanted);
      const isMachine = book.config(token.config_id)?.grant_type === 'client_credentials';
      if (isMachine) {
        const renewed = await renew(book.get(token.id) ?? token);
        if (!lacksScope(renewed.scopes, asked)) return true;
      }
      throw problem('more_scopes', `the server wants the scopes ${asked.join(' ')}`, wanted);
    }

    return {
      headers() {
        const token = current();
        if (token.expires_at === undefined || token.expires_at - SKEW_MS > Date.now()) return headersOf(token);
        return renew(token).then(headersOf);
      },
      async refused({ status, challenge }, sent, isSecond = false) {
        const token = current();
        // Another request was refused before, and the token is a new one already. But one that is renewed with each call always is.
        if (!isSecond && sent['authorization'] !== headersOf(token)['authorization']) return true;
        const bearer = parseChallenge(challenge);
        if (isScopeChallenge(bearer)) return lacksScopes(token, bearer?.scope);
        return status === 401 ? refusedToken(token, isSecond) : false;
      },
    };
  };
}

async function keepWanted({ store, changes }: Deps, { id }: OAuthToken, wanted: readonly string[]): Promise<void> {
  await store.tokens.saveWanted(id, wanted);
  await changes.publish('oauth_tokens', id);
}

function refuseForAdmin({ client, reason, kind, wanted_scopes }: TokenProblem): GatewayError {
  const what =
    kind === 'more_scopes' ? 'An administrator has to sign in with more scopes' : 'An administrator has to sign in';
  return new GatewayError('upstream_unauthorized', `${what} to the MCP server "${client.name}": ${reason}`, {
    details: {
      mcp_client_id: client.client_id,
      reason: kind,
      ...(wanted_scopes.length === 0 ? {} : { wanted_scopes: [...wanted_scopes] }),
    },
  });
}
