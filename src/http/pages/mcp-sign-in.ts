import type { IncomingMessage, ServerResponse } from 'node:http';
import { actorOf, type Actor } from '../../governance/audit.ts';
import type { ClientSettings } from '../../contract/client-settings.ts';
import type { Caller } from '../../governance/caller.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import type { Sealer } from '../../lib/seal.ts';
import { createThrottle, tooManyAttempts } from '../../lib/throttle.ts';
import type { HeaderForms } from '../../mcp/personal/header-forms.ts';
import { CALLBACK_PATH } from '../../mcp/oauth/create-oauth.ts';
import type { PersonalSignIns } from '../../mcp/personal/sign-ins.ts';
import type { HeaderFlow } from '../../store/header-flows.ts';
import { createOriginOf } from '../origin.ts';
import { bindBrowser } from '../sign-in-address.ts';
import type { Links } from '../../mcp/personal/links.ts';
import { checkHolder, linkCaller } from '../api/mcp-sessions.ts';
import type { Identify } from '../identify.ts';
import type { RawHandler } from '../listen.ts';
import { readNodeBody } from '../read-body.ts';
import { renderError } from '../render-error.ts';
import { sendPage, type Page } from './html.ts';
import {
  consentPage,
  donePage,
  formPage,
  forwardPage,
  HEADER_FIELD,
  openingPage,
  problemPage,
} from './mcp-sign-in-views.ts';

interface Deps {
  readonly forms: HeaderForms;
  readonly signIns: PersonalSignIns;
  readonly settings: () => Pick<ClientSettings, 'mcp_external_client_url'>;
  readonly links: Pick<Links, 'opens'>;
  readonly identify: Pick<Identify, 'identifyManagement'>;
  /** Seals the right to submit a form. */
  readonly sealer: Sealer;
  readonly logger: Logger;
}

/** The right to submit one form, given to whoever has opened it. There is no cookie, so no other page can use it. */
interface Ticket {
  readonly flow: string;
  readonly caller: Pick<Caller, 'principal' | 'name'>;
}

const MAX_BYTES = 256 * 1024;
/** Many people may share an address. */
const ATTEMPTS = { free: 20, firstMs: 1_000, longestMs: 15 * 60_000 };
/** These speak of what was entered, so the form is shown again. */
const CORRECTABLE = new Set(['invalid_request', 'upstream_refused', 'conflict']);

/**
 * `/workspace/mcp-sessions/auth`: where people enter header values or sign in, with nothing but the link that a call was answered with. The
 * link opens one form; what opened it is not in any address that a server sees.
 */
export function createSignInPage({ forms, signIns, links, identify, sealer, settings, logger }: Deps): RawHandler {
  const originOf = createOriginOf(settings);
  const throttle = createThrottle(ATTEMPTS);

  async function answer(request: IncomingMessage): Promise<Page> {
    if (request.method === 'POST') return await post(request);
    if (request.method === 'GET' || request.method === 'HEAD') return await get(request);
    throw new GatewayError('method_not_allowed', 'this page takes GET and POST', {
      details: { allow: 'GET, HEAD, POST' },
    });
  }

  async function get({ url = '/', headers }: IncomingMessage): Promise<Page> {
    const flowId = new URL(url, 'http://localhost').searchParams.get('flow') ?? '';
    const hasCredential = headers.authorization !== undefined || headers.cookie !== undefined;
    if (!hasCredential) return openingPage(flowId);
    const viewer = viewerOf(() => identify.identifyManagement(headers, 'read'));
    if (viewer === undefined) return openingPage(flowId);
    const flow = await forms.flow(flowId);
    // One's own values may be entered by everyone; those of a key by who may change keys.
    const caller = flow.mode === 'user' ? viewer : identify.identifyManagement(headers, 'write');
    checkHolder(flow, caller);
    return open(flowId, caller);
  }

  async function open(flowId: string, { principal, name }: Ticket['caller']): Promise<Page> {
    const flow = await forms.flow(flowId);
    if (flow.status !== 'pending') throw over();
    const ticket = sealer.seal({ flow: flowId, caller: { principal, name } } satisfies Ticket);
    return flow.auth_kind === 'oauth' ? consentPage(signIns.view(flow), ticket) : formPage(forms.view(flow), ticket);
  }

  async function post(request: IncomingMessage): Promise<Page> {
    const address = request.socket.remoteAddress ?? '';
    const delay = throttle.delay(address);
    if (delay > 0) throw tooManyAttempts(delay, 'rate_limited');
    throttle.count(address);
    const fields = await readForm(request);
    const ticket = fields.get('ticket');
    const page = ticket === null ? await enter(fields) : await submit(request, ticket, fields);
    if (page.status < 400) throttle.takeBack(address);
    return page;
  }

  /** With the token from the fragment of a link. */
  async function enter(fields: URLSearchParams): Promise<Page> {
    const flowId = fields.get('flow') ?? '';
    if (!links.opens((fields.get('token') ?? '').trim(), flowId))
      throw new GatewayError('unauthorized', 'This link is not valid. Repeat the call that led to it.');
    return open(flowId, linkCaller(flowId));
  }

  async function submit(request: IncomingMessage, text: string, fields: URLSearchParams): Promise<Page> {
    const ticket = sealer.open(text) as Ticket | undefined;
    if (ticket === undefined) throw new GatewayError('unauthorized', 'This form is not valid. Open the link again.');
    const flow = await forms.flow(ticket.flow);
    if (flow.auth_kind === 'oauth') return await signIn(request, flow);
    const entered = [...fields].filter(([name]) => name.startsWith(HEADER_FIELD));
    const headers = Object.fromEntries(entered.map(([name, value]) => [name.slice(HEADER_FIELD.length), value]));
    try {
      const saved = await forms.submit(
        flow,
        { headers, label: fields.get('account') ?? '' },
        actorFor(ticket, request),
      );
      return donePage(forms.view(flow).mcp_client.name, saved.label);
    } catch (error) {
      if (!(error instanceof GatewayError) || !CORRECTABLE.has(error.code)) throw error;
      return formPage(forms.view(flow), text, { status: error.status, text: error.message });
    }
  }

  /** Sends this browser to the authorization server: what comes back must come back in it. */
  async function signIn({ url = '/', headers }: IncomingMessage, flow: HeaderFlow): Promise<Page> {
    const known = ['cookie', 'x-forwarded-proto'].map(
      (name) => [name, String(headers[name] ?? '')] as [string, string],
    );
    const base = `http://${headers.host ?? ''}`;
    const seen = new Request(new URL(url, URL.canParse(base) ? base : 'http://localhost'), { headers: known });
    const origin = originOf(seen);
    const { bind, cookie } = bindBrowser(seen, origin);
    const target = await signIns.begin(flow, { redirectUri: origin + CALLBACK_PATH, bind });
    return forwardPage(signIns.view(flow).mcp_client.name, target, cookie);
  }

  return async (request, response) => {
    try {
      sendPage(response, await answer(request));
    } catch (error) {
      sendProblem(response, error, logger);
    }
  };
}

function sendProblem(response: ServerResponse, error: unknown, logger: Logger): void {
  const { status, body, headers } = renderError(error, logger);
  if (headers.allow !== undefined) response.setHeader('allow', headers.allow);
  const isOver = error instanceof GatewayError && (error.code === 'not_found' || error.code === 'flow_over');
  const text = isOver ? over().message : body.error.message;
  const retryAfter = Number(headers['retry-after'] ?? Number.NaN);
  sendPage(response, problemPage(status, text, Number.isNaN(retryAfter) ? undefined : retryAfter));
}

function over(): GatewayError {
  return new GatewayError(
    'flow_over',
    'This link was used before, or its time is over. Repeat the call that led to it to get a new one.',
  );
}

function actorFor({ caller }: Ticket, request: IncomingMessage): Actor {
  const url = new URL(request.url ?? '/', 'http://localhost');
  const seen = new Request(url, { method: request.method ?? 'POST' });
  return actorOf({ ...caller, kind: 'anonymous', scopes: [] }, seen, request.socket.remoteAddress);
}

function viewerOf(identify: () => Caller): Caller | undefined {
  try {
    return identify();
  } catch (error) {
    if (error instanceof GatewayError && (error.code === 'unauthorized' || error.code === 'forbidden'))
      return undefined;
    throw error;
  }
}

async function readForm(request: IncomingMessage): Promise<URLSearchParams> {
  const type = request.headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();
  if (type !== 'application/x-www-form-urlencoded')
    throw new GatewayError('unsupported_media_type', 'a form is sent as application/x-www-form-urlencoded');
  return new URLSearchParams((await readNodeBody(request, MAX_BYTES)).toString());
}
