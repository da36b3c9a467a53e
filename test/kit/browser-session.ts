import type { GatewayAccess } from './gateway.ts';

type Body = Record<string, unknown>;

/** An answer as a browser sees it. */
export interface PageAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Empty where the answer is no JSON. */
  readonly body: Body;
}

/** What a browser does with cookies and pages of one site, without running anything. */
export interface TestBrowser {
  readonly cookies: Map<string, string>;
  /** `Set-Cookie` of the last answer, as they came. */
  readonly received: readonly string[];
  /** A request of a page of the gateway itself, with what such a page knows. */
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<PageAnswer>;
  /** The same without anything that browsers and pages add: cookies and the given headers only. */
  bare(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<PageAnswer>;
  login(username: string, password: string): Promise<PageAnswer>;
}

export const PASSWORD = 'Correct-horse-battery-9';

/** A browser at this gateway. */
export function openBrowser({ address }: Pick<GatewayAccess, 'address'>): TestBrowser {
  const cookies = new Map<string, string>();
  let received: string[] = [];

  async function bare(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const response = await fetch(`${address}${path}`, {
      method,
      redirect: 'manual',
      headers: { ...(cookie === '' ? {} : { cookie }), ...(body === undefined ? {} : JSON_TYPE), ...headers },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    received = response.headers.getSetCookie();
    for (const line of received) keep(line);
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.includes('json') === true;
    return { status: response.status, headers: response.headers, text, body: isJson ? (JSON.parse(text) as Body) : {} };
  }

  function keep(line: string): void {
    const [pair = '', ...attributes] = line.split('; ');
    const at = pair.indexOf('=');
    const name = pair.slice(0, at);
    if (attributes.includes('Max-Age=0')) cookies.delete(name);
    else cookies.set(name, pair.slice(at + 1));
  }

  async function send(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const isChange = method !== 'GET' && cookies.has('token') && !path.startsWith('/api/session/log');
    const token = isChange ? String((await bare('GET', '/api/session/me')).body['csrf_token']) : '';
    const own = { origin: address, 'sec-fetch-site': 'same-origin', ...(isChange ? { 'x-csrf-token': token } : {}) };
    return bare(method, path, body, { ...own, ...headers });
  }

  return {
    cookies,
    get received() {
      return received;
    },
    send,
    bare,
    login: (username, password) => send('POST', '/api/session/login', { username, password }),
  };
}

const JSON_TYPE = { 'content-type': 'application/json' };

/** Makes the first admin with the API key of the gateway. */
export async function setUp(gateway: GatewayAccess, username = 'root', password = PASSWORD): Promise<void> {
  const { status, body } = await gateway.api('POST', '/api/session/setup', { username, password });
  if (status !== 200) throw new Error(`setup: ${status} ${JSON.stringify(body)}`);
}

/** Makes one more account and gives its id. */
export async function addUser(gateway: GatewayAccess, username: string, role: string): Promise<string> {
  const { status, body } = await gateway.api('POST', '/api/users', { username, password: PASSWORD, role });
  if (status !== 200) throw new Error(`create: ${status} ${JSON.stringify(body)}`);
  return (body['user'] as { id: string }).id;
}

/** A browser in which this account has signed in. */
export async function signedIn(gateway: GatewayAccess, username = 'root'): Promise<TestBrowser> {
  const browser = openBrowser(gateway);
  const { status, body } = await browser.login(username, PASSWORD);
  if (status !== 200) throw new Error(`login: ${status} ${JSON.stringify(body)}`);
  return browser;
}

/** The header of HTTP Basic. */
export function basic(username: string, password: string): { authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}` };
}
