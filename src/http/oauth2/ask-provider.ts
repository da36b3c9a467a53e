import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type Provider from 'oidc-provider';

/** A request to the authorization server library, made by ourselves. */
export interface Question {
  readonly method: 'GET' | 'POST';
  /** Path and query. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

/** Its answer as values: nothing has been sent yet. */
export interface Answer {
  readonly status: number;
  readonly location: string | undefined;
  readonly wwwAuthenticate: string | undefined;
  readonly body: unknown;
}

/**
 * Lets the library answer requests without a connection. So it never sees the cookies, the Host or the parameters of a stranger
 * but only what we pass on, and what it answers can be put into the form that clients of this gateway expect.
 */
export function createAsk(provider: Provider): (question: Question) => Promise<Answer> {
  const answers = new WeakMap<IncomingMessage, Answer>();
  const { host, protocol } = new URL(provider.issuer);
  // Addresses in answers are made of these two headers, which are ours.
  provider.proxy = true;
  provider.use(async (context, next) => {
    await next();
    context.respond = false;
    answers.set(context.req, {
      status: context.status,
      location: headerOf(context.response.get('location')),
      wwwAuthenticate: headerOf(context.response.get('www-authenticate')),
      body: context.body,
    });
  });
  const handle = provider.callback();

  return async ({ method, path, headers = {}, body = '' }) => {
    const request = new IncomingMessage(new Socket());
    request.method = method;
    request.url = path;
    request.headers = {
      accept: 'application/json',
      ...headers,
      host,
      'x-forwarded-proto': protocol.slice(0, -1),
      ...(method === 'POST' ? { 'content-length': String(Buffer.byteLength(body)) } : {}),
    };
    if (method === 'POST') request.push(body);
    request.push(null);
    await handle(request, new ServerResponse(request));
    const answer = answers.get(request);
    if (answer === undefined) throw new Error(`the authorization server gave no answer to ${method} ${path}`);
    return answer;
  };
}

function headerOf(value: string): string | undefined {
  return value === '' ? undefined : value;
}
