import type { McpAuthRequired } from '../../src/contract/mcp-session.ts';
import { addUser, setUp, signedIn, type TestBrowser } from './browser-session.ts';
import type { GatewayAccess } from './gateway.ts';
import type { Ask } from './isolation.ts';
import { createKey } from './keys.ts';
import { createBrowser, registerClient, submit } from './oauth-client.ts';
import { tokenIn } from './personal.ts';
import { openSession, postMcp, type LegacySession } from './wire.ts';

type Headers = Readonly<Record<string, string>>;

/** Somebody on whose behalf calls are made. */
export interface Holder {
  readonly mode: 'user' | 'vk' | 'session';
  readonly id: string;
  /** What its requests carry; without an Authorization of its own it may send somebody else's. */
  readonly headers: Headers;
  /** Where a person is signed in, who needs no token in a link; the client of that person has one for `/mcp` alone. */
  readonly browser: TestBrowser | undefined;
  /** Where the API deletes it; undefined for whoever stays. */
  readonly path: string | undefined;
  session: LegacySession | undefined;
  isGone: boolean;
}

/** Where a refused call leads. */
export type Required = Pick<McpAuthRequired, 'session_id' | 'authorize_url'> & { readonly mcp_client_name?: string };

/** What somebody came to with a call. */
export interface Outcome {
  readonly status: number;
  readonly required:
    | Pick<McpAuthRequired, 'mcp_client_name' | 'session_id' | 'submit_url' | 'authorize_url'>
    | undefined;
  readonly text: string;
}

interface Attempt {
  readonly name: string;
  readonly nonce: string;
  readonly isOnMcp: boolean;
  readonly headers: Headers;
}

/** Two virtual keys, two API keys, a person of the dashboard, and whoever has no key. */
export async function createHolders(gateway: GatewayAccess): Promise<Holder[]> {
  const [first, second] = [await createKey(gateway, 'k0'), await createKey(gateway, 'k1')];
  const { body } = await gateway.api('POST', '/api/api-keys', { name: 'second', scopes: ['mcp'] });
  const { id } = body['api_key'] as { id: number };
  await setUp(gateway);
  const person = await signInPerson(gateway, 'ann');
  const session = 'session-of-whoever-has-no-key';
  return [
    holder('vk', first.id, bearer(first.value), `/api/governance/virtual-keys/${first.id}`),
    holder('vk', second.id, { 'x-bf-vk': second.value }, `/api/governance/virtual-keys/${second.id}`),
    holder('user', 'api-key:1', bearer(gateway.apiKey)),
    holder('user', `api-key:${id}`, bearer(String(body['key'])), `/api/api-keys/${id}`),
    { ...holder('user', person.id, bearer(person.token), `/api/users/${person.id}`), browser: person.browser },
    holder('session', session, { 'x-bf-mcp-session-id': session }),
  ];
}

function holder(mode: Holder['mode'], id: string, headers: Headers, path?: string): Holder {
  return { mode, id, headers, path, browser: undefined, session: undefined, isGone: false };
}

function bearer(token: string): Headers {
  return { authorization: `Bearer ${token}` };
}

/** Somebody with an account of the dashboard lets a client act in their name. */
export async function signInPerson(gateway: GatewayAccess, name: string) {
  const id = await addUser(gateway, name, 'admin');
  const browser = await signedIn(gateway, name);
  const tab = createBrowser();
  for (const [cookie, value] of browser.cookies) tab.cookies.set(cookie, value);
  const client = await registerClient(gateway.address);
  const page = await tab.open(client.authorizeUrl());
  const back = new URL((await submit(tab, page.url, { action: 'user' })).location);
  const { body } = await client.token(client.codeFields(back.searchParams.get('code') ?? ''));
  return { id, browser, token: String(body['access_token']) };
}

/** Calls the tool that says what it is told, through `/mcp` or `/v1`. */
export async function callAs(gateway: GatewayAccess, from: Holder, attempt: Attempt): Promise<Outcome> {
  const { name, nonce, isOnMcp, headers } = attempt;
  const isOpen = from.session !== undefined || !from.isGone;
  if ((isOnMcp || from.browser !== undefined) && isOpen) return callOnMcp(gateway, from, attempt);
  const { status, body } = await gateway.execute(`${name}-echo`, { text: nonce }, headers);
  const { mcp_auth_required: required } = (body['extra_fields'] ?? {}) as { mcp_auth_required?: McpAuthRequired };
  return { status, required, text: JSON.stringify(body) };
}

async function callOnMcp(gateway: GatewayAccess, from: Holder, { name, nonce, headers }: Attempt): Promise<Outcome> {
  from.session ??= await openSession(gateway, { authorization: '', ...from.headers }, { elicitation: { url: {} } });
  const params = { name: `${name}-echo`, arguments: { text: nonce } };
  const message = { jsonrpc: '2.0', id: nonce, method: 'tools/call', params };
  const { reply, text, status } = await postMcp(gateway, message, { headers: { ...from.session.headers, ...headers } });
  if (reply.result !== undefined) return { status: 200, required: undefined, text };
  const { elicitations: [link] = [] } = (reply.error?.data ?? {}) as {
    elicitations?: { url: string; elicitationId: string }[];
  };
  if (link === undefined) return { status: status === 200 ? 403 : status, required: undefined, text };
  const { url, elicitationId: session_id } = link;
  return { status: 401, required: { mcp_client_name: name, session_id, authorize_url: url }, text };
}

/** Requests of whoever opens this link: with the token in it, or in the browser in which its holder is signed in. */
export function openLink(gateway: GatewayAccess, { browser }: Holder, { authorize_url = '' }: Required): Ask {
  if (browser !== undefined) return browser.send;
  const headers = { authorization: '', 'x-bifrost-temp-token': tokenIn(authorize_url) };
  return (method, path, body) => gateway.api(method, path, body, headers);
}
