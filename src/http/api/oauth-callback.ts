import { z } from 'zod';
import { OAuthStatus } from '../../contract/oauth.ts';
import { describeChange } from '../../governance/audit.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { CALLBACK_PATH, DOCUMENT_PATH } from '../../mcp/oauth/create-oauth.ts';
import type { Finished, OAuth } from '../../mcp/oauth/oauth.ts';
import type { AuditStore } from '../../store/audit.ts';
import type { Database } from '../../store/database.ts';
import { escapeHtml, renderPage } from '../html.ts';
import { renderError } from '../render-error.ts';
import { route, type Route } from '../route.ts';
import { readBinding } from '../sign-in-address.ts';

interface Deps {
  readonly oauth: Pick<OAuth, 'finish' | 'statusOf' | 'revoke' | 'published' | 'clientDocument'>;
  readonly database: Pick<Database, 'transaction'>;
  readonly audit: Pick<AuditStore, 'with'>;
  readonly logger: Logger;
}

const Html = z.string().meta({ description: 'A page for the browser.' });
const Revoked = z.object({ message: z.string() });

/** The way back from an authorization server, and what became of it. */
export function oauthCallbackRoutes(deps: Deps): readonly Route[] {
  const { oauth, logger } = deps;
  return [
    route({
      method: 'get',
      path: CALLBACK_PATH,
      summary: 'End of a sign-in',
      description: 'Authorization servers send the browser here. The answer is a page for people.',
      scope: 'public',
      response: Html,
      async handle({ request }) {
        try {
          const query = new URL(request.url).searchParams;
          return successPage(await oauth.finish({ query, bind: readBinding(request) }));
        } catch (error) {
          return failurePage(error, logger);
        }
      },
    }),
    route({
      method: 'get',
      path: DOCUMENT_PATH,
      summary: 'Get the client id metadata document',
      description: 'What authorization servers read about this gateway. 404 unless its public address is https.',
      scope: 'public',
      response: z.looseObject({ client_id: z.string() }),
      handle() {
        const document = oauth.clientDocument();
        if (document === undefined) throw new GatewayError('not_found', 'mcp_external_client_url is no https address');
        return document as { client_id: string };
      },
    }),
    ...configRoutes(deps),
  ];
}

function configRoutes({ oauth, database, audit }: Deps): Route[] {
  return [
    route({
      method: 'get',
      path: '/api/oauth/config/{id}/status',
      summary: 'Get the status of an OAuth configuration',
      scope: 'read',
      response: OAuthStatus,
      handle: ({ params }) => oauth.statusOf(params.id),
    }),
    route({
      method: 'delete',
      path: '/api/oauth/config/{id}',
      summary: 'Revoke the tokens of an OAuth configuration',
      description:
        'The gateway forgets them; the authorization server is not told. The configuration stays as "revoked".',
      scope: 'write',
      response: Revoked,
      async handle({ params: { id }, actor }) {
        const before = await oauth.statusOf(id);
        await database.transaction(async (tx) => {
          const { mcp_client_id } = await oauth.revoke(id, tx);
          const change = { action: 'delete', entity: 'oauth_config', id, name: mcp_client_id ?? id, before } as const;
          await audit.with(tx).append(describeChange(actor, change));
        });
        await oauth.published(id);
        return { message: 'OAuth token revoked successfully' };
      },
    }),
  ];
}

function successPage({ purpose, config, flow }: Finished): Response {
  const next =
    purpose === 'admin'
      ? 'The gateway may now use the server. You can close this window.'
      : 'Repeat what you were doing: it will work now. You can close this window.';
  const message = { type: 'oauth_success', oauth_config_id: config.id, flow_id: flow.id };
  return renderPage({ status: 200, title: 'Signed in', body: `<p role="status">${next}</p>`, script: notify(message) });
}

function failurePage(error: unknown, logger: Logger): Response {
  const { status, body } = renderError(error, logger);
  const { purpose, oauth_config_id } = body.extra_fields;
  const text = `<p role="alert">${escapeHtml(body.error.message)}</p>`;
  const id = body.event_id === undefined ? '' : `<p>Error id: <code>${escapeHtml(body.event_id)}</code></p>`;
  const message = { type: 'oauth_failed', ...(purpose === undefined ? {} : { purpose, oauth_config_id }) };
  // What went wrong between the gateway and the authorization server is no fault of the browser.
  const isTheirs = body.error.code?.startsWith('upstream_') === true;
  return renderPage({
    status: isTheirs ? 500 : status,
    title: 'The sign-in failed',
    body: text + id,
    script: notify(message),
  });
}

/** Tells the page that opened this one; of the same origin only, whoever opened it. */
function notify(message: Readonly<Record<string, unknown>>): string {
  // The ids in it are our own, and JSON may hold no end of a script.
  const json = JSON.stringify(message).replaceAll('<', '\\u003c');
  return `if(window.opener){window.opener.postMessage(${json},window.location.origin);window.close()}`;
}
