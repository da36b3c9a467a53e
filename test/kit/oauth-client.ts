import { createHash, randomBytes } from 'node:crypto';

type JsonObject = Record<string, unknown>;

/** A browser: it keeps cookies and follows redirects within the gateway. */
export interface Browser {
  /** Opens an address; gives the last answer and where it came from. */
  open(url: string, init?: RequestInit): Promise<{ url: string; status: number; html: string; location: string }>;
  readonly cookies: Map<string, string>;
}

/** A new browser without cookies. */
export function createBrowser(): Browser {
  const cookies = new Map<string, string>();
  return {
    cookies,
    async open(url, init = {}) {
      let target = url;
      let options = init;
      for (let hops = 0; hops < 5; hops += 1) {
        const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
        const response = await fetch(target, {
          ...options,
          redirect: 'manual',
          headers: { ...(options.headers as Record<string, string>), cookie },
        });
        for (const line of response.headers.getSetCookie()) {
          const [name = '', value = ''] = (line.split(';')[0] ?? '').split(/=(.*)/s);
          cookies.set(name, value);
        }
        const location = response.headers.get('location') ?? '';
        const next = location === '' ? undefined : new URL(location, target);
        if (next === undefined || next.origin !== new URL(url).origin)
          return { url: target, status: response.status, html: await response.text(), location };
        await response.body?.cancel();
        target = next.href;
        options = {};
      }
      throw new Error('too many redirects');
    },
  };
}

/** A person at a browser who lets a client in with this virtual key; gives the address the browser is sent to. */
export async function allow(browser: Browser, authorizeUrl: string, key: string): Promise<URL> {
  const page = await browser.open(authorizeUrl);
  if (page.location !== '') return new URL(page.location);
  return new URL((await submit(browser, page.url, { action: 'vk', key })).location || 'about:blank');
}

/** Sends the form of the consent page. */
export function submit(browser: Browser, url: string, fields: Record<string, string>) {
  return browser.open(url, {
    method: 'POST',
    headers: { 'content-type': 'application/x-www-form-urlencoded', origin: new URL(url).origin },
    body: new URLSearchParams(fields).toString(),
  });
}

/** A verifier of PKCE and its challenge. */
export function newPkce(): { verifier: string; challenge: string } {
  const verifier = randomBytes(32).toString('base64url');
  return { verifier, challenge: createHash('sha256').update(verifier).digest('base64url') };
}

/** The requests of an OAuth client, one by one, so that each can be sent wrongly. */
export interface HandClient {
  readonly clientId: string;
  readonly redirectUri: string;
  authorizeUrl(changes?: Record<string, string>): string;
  token(fields: Record<string, string>): Promise<{ status: number; body: JsonObject }>;
  /** The fields that redeem a code. */
  codeFields(code: string): Record<string, string>;
  /** The whole flow: a person allows it with this key. */
  signIn(key: string): Promise<{ accessToken: string; refreshToken: string }>;
  refresh(refreshToken: string): Promise<{ status: number; body: JsonObject }>;
}

/** Registers a client. */
export async function registerClient(
  address: string,
  { redirectUri = 'http://127.0.0.1:7777/callback', name = 'Test client' } = {},
): Promise<HandClient> {
  const registered = await post(`${address}/oauth2/register`, {
    client_name: name,
    redirect_uris: [redirectUri],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
    token_endpoint_auth_method: 'none',
  });
  if (registered.status !== 201) throw new Error(`register: ${registered.status} ${JSON.stringify(registered.body)}`);
  return handClient(address, String(registered.body['client_id']), redirectUri);
}

/** A client that is known already. */
export function handClient(address: string, clientId: string, redirectUri: string): HandClient {
  const { verifier, challenge } = newPkce();
  const resource = `${address}/mcp`;
  const token = async (fields: Record<string, string>) => {
    const body = new URLSearchParams({ client_id: clientId, ...fields });
    const response = await fetch(`${address}/oauth2/token`, { method: 'POST', body });
    return { status: response.status, body: (await response.json()) as JsonObject };
  };
  const codeFields = (code: string) => ({
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri,
    code_verifier: verifier,
    resource,
  });
  const authorizeUrl = (changes: Record<string, string> = {}) => {
    const parameters = {
      response_type: 'code',
      client_id: clientId,
      redirect_uri: redirectUri,
      code_challenge: challenge,
      code_challenge_method: 'S256',
      state: 'the state',
      scope: 'mcp',
      resource,
      ...changes,
    };
    const given = Object.entries(parameters).filter(([, value]) => value !== '');
    return `${address}/oauth2/authorize?${new URLSearchParams(given).toString()}`;
  };
  return {
    clientId,
    redirectUri,
    authorizeUrl,
    token,
    codeFields,
    async signIn(key) {
      const back = await allow(createBrowser(), authorizeUrl(), key);
      const { status, body } = await token(codeFields(back.searchParams.get('code') ?? ''));
      if (status !== 200) throw new Error(`token: ${status} ${JSON.stringify(body)}`);
      return { accessToken: String(body['access_token']), refreshToken: String(body['refresh_token']) };
    },
    refresh: (refreshToken) => token({ grant_type: 'refresh_token', refresh_token: refreshToken, resource }),
  };
}

async function post(url: string, body: object): Promise<{ status: number; body: JsonObject }> {
  const headers = { 'content-type': 'application/json' };
  const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
  return { status: response.status, body: (await response.json()) as JsonObject };
}
