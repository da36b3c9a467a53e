import { decodeJwt } from 'jose';
import { httpClient, type GatewayAccess } from './gateway.ts';
import type { CredentialKind } from './isolation.ts';
import { startOAuthServer, type OAuthServer, type OAuthServerOptions } from './oauth-server.ts';
import { startProtectedUpstream } from './oauth-upstream.ts';

const ADMIN = 'of-the-admin';

/**
 * Tokens that callers get by signing in at one authorization server for all servers. The secret of the model is who signed in
 * there: it is in the token, and the server sees nothing else of its caller.
 */
export async function startOAuthKind(options: OAuthServerOptions = {}): Promise<CredentialKind> {
  const server = await startOAuthServer(options);
  /** The tokens that servers were shown, by who had signed in. */
  const shown = new Map<string, string>();

  return {
    async start(known) {
      const { upstream } = await startProtectedUpstream(server);
      upstream.admits = (headers) => {
        const token = bearerIn(headers);
        const person = personIn(token);
        shown.set(person, token);
        return known.has(person);
      };
      return upstream;
    },
    async register(gateway, name, url) {
      const record = { name, auth_type: 'per_user_oauth', oauth_config: {}, allow_on_all_virtual_keys: true };
      const { body } = await gateway.api(
        'POST',
        '/api/mcp/client',
        httpClient(url, { ...record, allowed_extra_headers: ['*'] }),
      );
      await finishAsAdmin(gateway, server, body);
      return String(body['mcp_client_id']);
    },
    picksLabel: false,
    async enter(ask, flowId, secret) {
      const begun = await ask('GET', `/api/oauth/per-user/flows/${flowId}/start`);
      if (begun.status !== 200) return begun.status;
      server.user = secret;
      const callback = await server.browse(String(begun.body['authorize_url']));
      const cookie = begun.headers.get('set-cookie')?.split(';')[0] ?? '';
      return (await fetch(callback, { headers: { cookie } })).status;
    },
    secretIn: (headers) => personIn(bearerIn(headers)),
    tokensOf: () => [...shown.values()],
    forge: (secret) => ({ authorization: `Bearer ${shown.get(secret) ?? 'none'}` }),
    async demandAll(gateway, id) {
      const { status, body } = await gateway.update(id, { oauth_config: { scopes: ['tools', 'offline_access'] } });
      if (status === 200) await finishAsAdmin(gateway, server, body);
      return status;
    },
    stop: async () => server[Symbol.asyncDispose](),
  };
}

/** Signs in for the list of tools, and lets the gateway take over what waited for it. */
async function finishAsAdmin(
  gateway: GatewayAccess,
  server: OAuthServer,
  begun: Record<string, unknown>,
): Promise<void> {
  server.user = ADMIN;
  const callback = await fetch(await server.browse(String(begun['authorize_url'])));
  const completed = await gateway.api('POST', String(begun['complete_url']));
  if (completed.status === 200) return;
  throw new Error(`${callback.status} ${completed.status} ${JSON.stringify(completed.body)}`);
}

function bearerIn({ authorization }: Readonly<Record<string, string | string[] | undefined>>): string {
  return String(authorization).replace(/^Bearer /, '');
}

/** Empty for what is no token. */
function personIn(token: string): string {
  try {
    return decodeJwt(token).sub ?? '';
  } catch {
    return '';
  }
}
