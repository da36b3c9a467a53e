import { Success } from '../../contract/common.ts';
import {
  ConsentDecision,
  ConsentFlow,
  ConsentResult,
  OAuth2SessionList,
  type OAuth2SessionView,
} from '../../contract/oauth2.ts';
import { describeChange } from '../../governance/audit.ts';
import { keyOfPrincipal } from '../../governance/caller.ts';
import type { Policy } from '../../governance/policy.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { AuditStore } from '../../store/audit.ts';
import type { OAuthSession } from '../../store/oauth-sessions.ts';
import { endSession, type AuthorityDeps } from '../oauth2/authority.ts';
import type { BrowserRequest, Consent } from '../oauth2/consent.ts';
import { route, type Route } from '../route.ts';
import { success } from '../success.ts';

interface Deps extends Pick<AuthorityDeps, 'database' | 'models' | 'sessions' | 'changes'> {
  readonly consent: Consent;
  readonly policy: Pick<Policy, 'find'>;
  readonly audit: Pick<AuditStore, 'with'>;
}

/** `/api/oauth2`: who is signed in to `/mcp`, and the decision of a browser on a client that wants to. */
export function oauth2Routes({ consent, policy, audit, ...deps }: Deps): readonly Route[] {
  const view = (session: OAuthSession): OAuth2SessionView => {
    const keyId = keyOfPrincipal(session.principal);
    const name = keyId === undefined ? undefined : policy.find(keyId)?.name;
    return {
      ...session,
      scopes: [...session.scopes],
      virtual_key: keyId === undefined ? null : { id: keyId, name: name ?? '' },
      created_at: new Date(session.created_at).toISOString(),
      last_used_at: new Date(session.last_used_at).toISOString(),
      expires_at: new Date(session.expires_at).toISOString(),
    };
  };
  return [
    route({
      method: 'get',
      path: '/api/oauth2/sessions',
      summary: 'List the clients that are signed in to /mcp',
      scope: 'read',
      response: OAuth2SessionList,
      handle: async () => ({ sessions: (await deps.sessions.list()).map(view) }),
    }),
    route({
      method: 'delete',
      path: '/api/oauth2/sessions/{id}',
      summary: 'Sign a client out of /mcp',
      description: 'Its refresh token and its access tokens stop working at once.',
      scope: 'write',
      response: Success,
      async handle({ params: { id }, actor }) {
        const session = await deps.sessions.find(id);
        if (session === undefined) throw new GatewayError('not_found', `there is no OAuth session ${id}`);
        const subject = { action: 'delete', entity: 'oauth_session', id, name: session.client_name } as const;
        await endSession(deps, id, (tx) =>
          audit.with(tx).append(describeChange(actor, { ...subject, before: view(session) })),
        );
        return success('OAuth session removed successfully');
      },
    }),
    route({
      method: 'get',
      path: '/api/oauth2/consent/flows/{id}',
      summary: 'Get a sign-in that waits for a decision',
      description: 'Only in the browser that began it, which has a cookie for it.',
      scope: 'public',
      response: ConsentFlow,
      async handle({ params, request, actor }) {
        const signIn = await consent.open(params.id, browserOf(request, actor.request?.ip));
        const { user, takesKey, takesNobody } = signIn;
        return {
          id: signIn.id,
          client_id: signIn.clientId,
          client_name: signIn.clientName,
          redirect_host: new URL(signIn.redirectUri).host,
          scopes: [...signIn.scopes],
          modes: (['vk', 'user', 'session'] as const).filter(
            (mode) => ({ vk: takesKey, user: user !== undefined, session: takesNobody })[mode],
          ),
          user: user ?? null,
          expires_at: new Date(signIn.expiresAt).toISOString(),
        };
      },
    }),
    route({
      method: 'put',
      path: '/api/oauth2/consent/flows/{id}',
      summary: 'Decide on a sign-in',
      description: 'Only in the browser that began it. The answer says where to send the browser.',
      scope: 'public',
      body: ConsentDecision,
      response: ConsentResult,
      handle: async ({ params, body, request, actor }) => ({
        redirect_url: await consent.decide(params.id, body, browserOf(request, actor.request?.ip)),
      }),
    }),
  ];
}

function browserOf({ headers }: Request, ip: string | undefined): BrowserRequest {
  return { headers: Object.fromEntries(headers), ip };
}
