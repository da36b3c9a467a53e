import { z } from 'zod';
import {
  HeaderEntered,
  HeaderEntry,
  HeaderFlowView,
  McpReauth,
  OAuthFlowStart,
  OAuthFlowView,
  McpSessionList,
} from '../../contract/mcp-session.ts';
import type { Caller } from '../../governance/caller.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { HeaderForms } from '../../mcp/personal/header-forms.ts';
import { isAnothers, type PersonalSessions } from '../../mcp/personal/sessions.ts';
import { CALLBACK_PATH } from '../../mcp/oauth/create-oauth.ts';
import type { PersonalSignIns } from '../../mcp/personal/sign-ins.ts';
import { bindBrowser } from '../sign-in-address.ts';
import type { Links } from '../../mcp/personal/links.ts';
import type { HeaderFlow } from '../../store/header-flows.ts';
import { commaList, wholeNumber } from '../query.ts';
import { route, type Route } from '../route.ts';

interface Deps {
  readonly sessions: PersonalSessions;
  readonly forms: HeaderForms;
  readonly signIns: PersonalSignIns;
  readonly originOf: (request: Request) => string;
  readonly links: Pick<Links, 'opens'>;
}

/** The header in which the token of a link is sent, for the API of the one flow that it opens. */
const TOKEN_HEADER = 'x-bifrost-temp-token';

const SessionQuery = z.object({
  q: z.string().optional().meta({ description: 'Part of the name of the identity, the account or the server.' }),
  identity: z.string().optional().meta({ description: 'Exact id of a user or virtual key.' }),
  status: commaList('Comma list.'),
  auth_mode: commaList('Comma list.', ['user', 'vk', 'session']),
  mcp_client_id: commaList('Comma list.'),
  kind: commaList('Comma list.', ['token', 'header', 'flow']),
  limit: wholeNumber('Entries per page, 1 to 500; default 50.'),
  offset: wholeNumber('Entries to skip.'),
});

/** `/api/mcp/sessions` and `/api/mcp/per-user-headers`: the credentials that callers have of their own. */
export function mcpSessionRoutes(deps: Deps): readonly Route[] {
  return [...sessionRoutes(deps), ...flowRoutes(deps), ...signInRoutes(deps)];
}

function sessionRoutes({ sessions }: Deps): Route[] {
  return [
    route({
      method: 'get',
      path: '/api/mcp/sessions',
      summary: 'List the MCP sessions',
      description:
        'Credentials that callers have of their own, and what waits to become one. Newest first, never a value.',
      scope: 'read',
      query: SessionQuery,
      response: McpSessionList,
      async handle({ query: { limit, offset = 0, ...filter }, caller }) {
        const all = await sessions.list(filter, caller);
        const size = Math.min(Math.max(limit ?? 50, 1), 500);
        const page = all.slice(offset, offset + size);
        return { sessions: page, count: page.length, total_count: all.length, limit: size, offset };
      },
    }),
    route({
      method: 'delete',
      path: '/api/mcp/sessions/{id}',
      summary: 'Revoke an MCP session',
      description:
        'Forgets the credential here; the server is not told. The next call of its holder is asked for a new one.',
      scope: 'write',
      response: z.undefined(),
      status: 204,
      async handle({ params, actor }) {
        await sessions.remove(params.id, actor);
        return new Response(null, { status: 204 });
      },
    }),
    route({
      method: 'post',
      path: '/api/mcp/sessions/{id}/reauth',
      summary: 'Renew an MCP session',
      description: 'Gives the link under which its holder enters a new credential.',
      scope: 'write',
      response: McpReauth,
      handle: ({ params, caller, actor, request }) =>
        sessions.reauth(params.id, demandCaller(caller), actor, Object.fromEntries(request.headers)),
    }),
  ];
}

function flowRoutes({ sessions, forms, links }: Deps): Route[] {
  const admit = flowToken(links);
  return [
    route({
      method: 'get',
      path: '/api/mcp/per-user-headers/flows/{id}',
      summary: 'Get a header submission',
      description: `Which headers it asks for, never their values. The token of its link opens it too (${TOKEN_HEADER}).`,
      scope: 'read',
      admit,
      response: HeaderFlowView,
      async handle({ params, caller }) {
        const flow = await forms.flow(params.id);
        checkHolder(flow, caller);
        return forms.view(flow);
      },
    }),
    route({
      method: 'put',
      path: '/api/mcp/per-user-headers/flows/{id}',
      summary: 'Submit headers',
      description: `Tries the values with the server, and keeps them encrypted. The token of its link opens it too (${TOKEN_HEADER}).`,
      scope: 'write',
      admit,
      body: HeaderEntry,
      response: HeaderEntered,
      async handle({ params, caller, body, actor }) {
        const flow = await forms.flow(params.id);
        checkHolder(flow, caller);
        const { id, label, updated_at } = await forms.submit(flow, body, actor);
        return {
          status: 'authorized' as const,
          credential_id: id,
          label,
          updated_at: new Date(updated_at).toISOString(),
        };
      },
    }),
    route({
      method: 'delete',
      path: '/api/mcp/per-user-headers/credential/{id}',
      summary: 'Delete submitted headers',
      scope: 'write',
      response: z.undefined(),
      status: 204,
      async handle({ params, actor }) {
        await sessions.remove(params.id, actor);
        return new Response(null, { status: 204 });
      },
    }),
  ];
}

function signInRoutes({ forms, signIns, links, originOf }: Deps): Route[] {
  const admit = flowToken(links);
  return [
    route({
      method: 'get',
      path: '/api/oauth/per-user/flows/{id}',
      summary: 'Get a sign-in of a caller',
      description: `The token of its link opens it too (${TOKEN_HEADER}).`,
      scope: 'read',
      admit,
      response: OAuthFlowView,
      async handle({ params, caller }) {
        const flow = await forms.flow(params.id);
        checkHolder(flow, caller);
        return signIns.view(flow);
      },
    }),
    route({
      method: 'get',
      path: '/api/oauth/per-user/flows/{id}/start',
      summary: 'Begin a sign-in of a caller',
      description: `Sets a cookie: only the browser that has it can end the sign-in. The token of its link opens it too (${TOKEN_HEADER}).`,
      scope: 'write',
      admit,
      response: OAuthFlowStart,
      async handle({ params, caller, request }) {
        const flow = await forms.flow(params.id);
        checkHolder(flow, caller);
        const origin = originOf(request);
        const { bind, cookie } = bindBrowser(request, origin);
        const authorize_url = await signIns.begin(flow, { redirectUri: origin + CALLBACK_PATH, bind });
        return Response.json({ authorize_url }, { headers: { 'set-cookie': cookie, 'cache-control': 'no-store' } });
      },
    }),
  ];
}

/** Whoever has the token of a link may do with its flow, and nothing else, what the link is for. */
function flowToken(links: Deps['links']) {
  return (request: Request, { id = '' }: Readonly<Record<string, string>>): Caller | undefined => {
    const token = request.headers.get(TOKEN_HEADER);
    if (token === null) return undefined;
    if (links.opens(token, id)) return linkCaller(id);
    throw new GatewayError('unauthorized', `the header ${TOKEN_HEADER} does not open this flow`);
  };
}

/** Whoever came by the link of a flow. */
export function linkCaller(flowId: string): Caller {
  return { kind: 'anonymous', principal: `mcp-flow:${flowId}`, name: 'link to an MCP session', scopes: [] };
}

/** A person's values are entered by that person, and by nobody else who manages the gateway. */
export function checkHolder(flow: HeaderFlow, caller: Caller | undefined): void {
  const hasLink = caller?.kind === 'anonymous' && caller.principal === linkCaller(flow.id).principal;
  if (!hasLink && isAnothers(flow, caller)) throw new GatewayError('forbidden', 'this link is for another user');
}

function demandCaller(caller: Caller | undefined): Caller {
  if (caller !== undefined) return caller;
  throw new GatewayError('unauthorized', 'a credential is missing');
}
