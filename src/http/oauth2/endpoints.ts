import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { GatewayError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import type { RawHandler } from '../listen.ts';
import { readNodeBody } from '../read-body.ts';
import { renderError } from '../render-error.ts';
import type { Answer } from './ask-provider.ts';
import type { Authority } from './authority.ts';
import { renderConsentPage, renderErrorPage, type Page } from './consent-page.ts';
import type { BrowserRequest, Choice, Consent } from './consent.ts';
import { keySet, resourceMetadata, serverMetadata } from './metadata.ts';
import { CONSENT_PATH, SCOPE } from './provider-config.ts';
import type { AuthorizationServer } from './provider.ts';
import { readRegistration, writeRegistration } from './registration.ts';
import type { Elsewhere } from '../nodes/elsewhere.ts';
import { createThrottle } from './throttle.ts';

interface Deps {
  readonly authority: Authority;
  readonly consent: Consent;
  readonly logger: Logger;
  /** Other nodes, where there may be any. */
  readonly elsewhere?: Pick<Elsewhere, 'answers'> | undefined;
}

/** What a handler gets besides request and response: the server for the address that was asked. */
type Handle = (request: IncomingMessage, response: ServerResponse, server: AuthorizationServer) => Promise<void>;

const MAX_FORM_BYTES = 64 * 1024;
/**
 * For so long the answer to a refresh is held back. The calls of a client find at the same time that their token has ended, and
 * the SDKs let each refresh by itself: who is a little later must not look like a thief, who comes after the answer does.
 */
const JOIN_MS = 200;
export const TOKEN_PATH = '/oauth2/token';
/** The parameters of an authorization request that mean something here; the others are not passed on. */
const AUTHORIZE_PARAMS = [
  'response_type',
  'client_id',
  'redirect_uri',
  'state',
  'code_challenge',
  'code_challenge_method',
  'resource',
];

/** Every path of OAuth sign-in, by exact path. In the mode `headers` none of them is there. */
export function createOAuthEndpoints({
  authority,
  consent,
  elsewhere,
  logger,
}: Deps): Readonly<Record<string, RawHandler>> {
  const registrations = createThrottle({ limit: 60, windowMs: 60_000 });
  /** Refreshes under way, by body: clients send several at once when a token ends, and only one can have the next. */
  const refreshing = new Map<string, Promise<Answer>>();

  const resource = guard('GET', async (_request, response, { issuer }) =>
    json(response, 200, resourceMetadata(issuer)),
  );
  const handlers = {
    '/.well-known/oauth-protected-resource': resource,
    '/.well-known/oauth-protected-resource/mcp': resource,
    '/.well-known/oauth-authorization-server': guard('GET', async (_request, response, { issuer }) =>
      json(response, 200, serverMetadata(issuer)),
    ),
    '/.well-known/jwks.json': guard('GET', async (_request, response) =>
      json(response, 200, keySet((await authority.loadKeys()).publicKey)),
    ),
    '/oauth2/register': guard('POST', register),
    '/oauth2/authorize': page('GET', authorize),
    [CONSENT_PATH]: page('GET, POST', decide),
    [TOKEN_PATH]: guard('POST', token),
    '/oauth2/revoke': guard('POST', async (request, response, server) => {
      const body = await readForm(request);
      answer(
        response,
        await server.ask({ method: 'POST', path: '/oauth2/revoke', headers: formHeaders(request), body }),
      );
    }),
  };
  return handlers;

  async function register(request: IncomingMessage, response: ServerResponse, server: AuthorizationServer) {
    const address = request.socket.remoteAddress ?? '';
    registrations.check(address);
    registrations.count(address);
    const read = readRegistration((await readNodeBody(request, MAX_FORM_BYTES)).toString());
    if ('fault' in read)
      return json(response, 400, { error: 'invalid_client_metadata', error_description: read.fault });
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify(read.metadata);
    const answered = await server.ask({ method: 'POST', path: '/oauth2/register', headers, body });
    if (answered.status !== 201) return answer(response, answered);
    json(response, 201, { ...writeRegistration(answered.body), scope: SCOPE });
  }

  async function authorize(request: IncomingMessage, response: ServerResponse, server: AuthorizationServer) {
    const path = `/oauth2/authorize?${authorizeParams(queryOf(request)).toString()}`;
    const { location, body, status } = await server.ask({ method: 'GET', path });
    if (location === undefined) return send(response, renderErrorPage(status, describe(body)));
    const target = new URL(location, server.issuer);
    const id =
      target.origin === server.issuer && target.pathname === CONSENT_PATH ? target.searchParams.get('flow') : null;
    if (id !== null) response.setHeader('set-cookie', consent.cookieFor(server, id));
    redirect(response, 302, location);
  }

  async function decide(request: IncomingMessage, response: ServerResponse) {
    const id = queryOf(request).get('flow') ?? '';
    const browser: BrowserRequest = { headers: request.headers, ip: request.socket.remoteAddress };
    if (request.method === 'GET') return send(response, renderConsentPage(await consent.open(id, browser)));
    const site = request.headers['sec-fetch-site'];
    if (site !== undefined && site !== 'same-origin')
      throw new GatewayError('forbidden', 'this form is of another site');
    const choice = choiceOf(new URLSearchParams(await readForm(request)));
    try {
      redirect(response, 303, await consent.decide(id, choice, browser));
    } catch (error) {
      if (!(error instanceof GatewayError) || choice.mode === 'deny') throw error;
      // The sign-in is still open, unless this throws as well.
      const { status, message } = error;
      send(response, renderConsentPage(await consent.open(id, browser), { status, message }));
    }
  }

  async function token(request: IncomingMessage, response: ServerResponse, server: AuthorizationServer) {
    const body = await readForm(request);
    const form = new URLSearchParams(body);
    // The library looks at it after the refresh token is used up: a mistake must not cost the session.
    if (form.getAll('resource').some((resource) => resource !== server.resource))
      return json(response, 400, {
        error: 'invalid_target',
        error_description: `the only resource here is ${server.resource}`,
      });
    const ask = () => server.ask({ method: 'POST', path: TOKEN_PATH, headers: formHeaders(request), body });
    if (form.get('grant_type') !== 'refresh_token') return answer(response, await ask());
    // Those of one token meet at one node, wherever they came in.
    const about = { node: '', key: form.get('refresh_token') ?? '', isNew: true };
    if ((await elsewhere?.answers(about, request, response, Buffer.from(body))) === true) return;
    const same = `${server.issuer}\n${body}`;
    let pending = refreshing.get(same);
    if (pending === undefined) {
      pending = Promise.all([ask(), sleep(JOIN_MS)])
        .then(([answered]) => answered)
        .finally(() => refreshing.delete(same));
      refreshing.set(same, pending);
    }
    answer(response, await pending);
  }

  /** For programs: what goes wrong is said as OAuth says it (RFC 6749 section 5.2), what is not there as this gateway does. */
  function guard(allow: string, handle: Handle): RawHandler {
    return async (request, response) => {
      const server = await authority.serverFor(request.headers);
      try {
        demandMethod(request, allow);
        await handle(request, response, server);
      } catch (error) {
        if (!(error instanceof GatewayError)) throw error;
        const { status, headers } = renderError(error, logger);
        const code = status < 500 ? 'invalid_request' : 'server_error';
        json(response, status, { error: code, error_description: error.message }, headers);
      }
    };
  }

  /** For people. */
  function page(allow: string, handle: Handle): RawHandler {
    return async (request, response) => {
      const server = await authority.serverFor(request.headers);
      try {
        demandMethod(request, allow);
        await handle(request, response, server);
      } catch (error) {
        const { status, body } = renderError(error, logger);
        send(response, renderErrorPage(status, body.error.message));
      }
    };
  }
}

/** There is one scope, so it is not for the client to choose; and of all prompts only "none" changes anything. */
function authorizeParams(given: URLSearchParams): URLSearchParams {
  const passed = [...given].filter(([name]) => AUTHORIZE_PARAMS.includes(name));
  const prompt = given.get('prompt') === 'none' ? [['prompt', 'none']] : [];
  return new URLSearchParams([...passed, ...prompt, ['scope', SCOPE]] as [string, string][]);
}

function choiceOf(form: URLSearchParams): Choice {
  const action = form.get('action');
  if (action === 'user' || action === 'session' || action === 'deny') return { mode: action };
  return { mode: 'vk', value: form.get('key') ?? '' };
}

function demandMethod({ method = '' }: IncomingMessage, allow: string): void {
  if (allow.split(', ').includes(method)) return;
  throw new GatewayError('method_not_allowed', `this route takes ${allow}`, { details: { allow } });
}

function queryOf({ url = '' }: IncomingMessage): URLSearchParams {
  return new URL(url, 'http://localhost').searchParams;
}

async function readForm(request: IncomingMessage): Promise<string> {
  return (await readNodeBody(request, MAX_FORM_BYTES)).toString();
}

function formHeaders({ headers }: IncomingMessage): Record<string, string> {
  // Nothing else: a client of ours has no secret to authenticate with, and some send their headers for /mcp everywhere.
  return { 'content-type': headers['content-type'] ?? 'application/x-www-form-urlencoded' };
}

function describe(body: unknown): string {
  const { error = 'error', error_description } = body as { error?: string; error_description?: string }; // of the library
  return error_description === undefined ? error : `${error}: ${error_description}`;
}

function answer(response: ServerResponse, { status, body, wwwAuthenticate }: Answer): void {
  const headers = wwwAuthenticate === undefined ? {} : { 'www-authenticate': wwwAuthenticate };
  if (body === undefined || body === '') return void response.writeHead(status, headers).end();
  json(response, status, body as object, headers);
}

function json(
  response: ServerResponse,
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, { ...headers, 'content-type': 'application/json', 'cache-control': 'no-store' });
  response.end(JSON.stringify(body));
}

function send(response: ServerResponse, { status, headers, html }: Page): void {
  response.writeHead(status, headers).end(html);
}

function redirect(response: ServerResponse, status: number, location: string): void {
  response.writeHead(status, { location, 'cache-control': 'no-store', 'content-length': 0 }).end();
}
