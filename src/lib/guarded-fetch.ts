import { Buffer } from 'node:buffer';
import { request as send, type Dispatcher } from 'undici';
import type { EgressPolicy } from './egress-rules.ts';
import type { Egress } from './egress.ts';
import { GatewayError, messageOf } from './errors.ts';
import { connectOptions, type TlsOptions } from './http-client.ts';
import { unlessAborted } from './unless-aborted.ts';

/** `fetch` as far as clients of OAuth need it. */
export type Fetch = (input: string | URL | Request, init?: RequestInit) => Promise<Response>;

interface GuardedFetchOptions {
  readonly egress: Egress;
  readonly policy: EgressPolicy;
  /** Default: the usual certificates. */
  readonly tls?: TlsOptions | undefined;
  /** Length of the largest body that is taken; default 1 MiB. */
  readonly maxBytes?: number;
  /** For the whole exchange, redirects included; default 10 s. */
  readonly timeoutMs?: number;
}

interface Hop {
  readonly url: URL;
  readonly policy: EgressPolicy;
  readonly headers: Headers;
}

interface Exchange {
  readonly method: string;
  readonly body: Buffer | undefined;
  readonly signal: AbortSignal;
}

const MAX_REDIRECTS = 3;
const MIB = 1024 * 1024;
const CREDENTIALS = ['authorization', 'cookie', 'proxy-authorization'];

/**
 * A `fetch` for documents and tokens, where the address may come from somebody else: it leads only where `policy` allows, takes
 * bounded time and bytes, follows up to 3 redirects of a GET (each under the rules, without credentials to another origin) and none
 * of anything else. It throws GatewayErrors: `egress_blocked`, `upstream_unreachable`, `upstream_lost`, `upstream_timeout`,
 * `upstream_bad_reply`.
 */
export function createGuardedFetch(options: GuardedFetchOptions): Fetch {
  const { policy, timeoutMs = 10_000 } = options;
  return async (input, init) => {
    const request = new Request(input, init);
    const isRead = request.method === 'GET' || request.method === 'HEAD';
    const deadline = AbortSignal.timeout(timeoutMs);
    const exchange: Exchange = {
      method: request.method,
      body: request.body === null ? undefined : Buffer.from(await request.arrayBuffer()),
      signal: AbortSignal.any([request.signal, deadline]),
    };
    let hop: Hop = { url: new URL(request.url), policy, headers: new Headers(request.headers) };
    hop.headers.set('accept-encoding', 'identity');
    try {
      for (let redirects = 0; ; redirects += 1) {
        const response = await fetchOnce(options, hop, exchange);
        const location = isRead && request.redirect !== 'manual' ? locationOf(response) : undefined;
        if (location === undefined) return response;
        if (request.redirect === 'error') throw badReply(hop.url, 'redirects, which is not expected here');
        if (redirects === MAX_REDIRECTS) throw badReply(hop.url, `redirects more than ${MAX_REDIRECTS} times`);
        hop = follow(hop, location, policy);
      }
    } catch (error) {
      throw deadline.aborted && !request.signal.aborted ? tooSlow(hop.url, timeoutMs) : error;
    }
  };
}

/** A connection of its own, so that every request is looked at anew and nothing stays open. */
async function fetchOnce(
  { egress, tls, maxBytes = MIB }: GuardedFetchOptions,
  { url, policy, headers }: Hop,
  { method, body, signal }: Exchange,
): Promise<Response> {
  const isServerHere = policy.kind === 'discovered' && (await egress.isThisMachine(policy.server));
  const dispatcher = egress.open({ url, policy, isServerHere }, tls === undefined ? {} : connectOptions(tls));
  let isAnswered = false;
  try {
    const asked = send(url, {
      dispatcher,
      method,
      headers: Object.fromEntries(headers),
      signal,
      ...(body === undefined ? {} : { body }),
    });
    // undici hears of the signal once it is connected.
    const answer = await unlessAborted(asked, signal);
    isAnswered = true;
    return await toResponse(url, answer, maxBytes);
  } catch (error) {
    throw signal.aborted ? signal.reason : explain(url, error, isAnswered);
  } finally {
    await dispatcher.destroy();
  }
}

async function toResponse(url: URL, answer: Dispatcher.ResponseData, maxBytes: number): Promise<Response> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of answer.body as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) throw badReply(url, `answers with more than ${maxBytes} bytes`);
    chunks.push(chunk);
  }
  const headers = new Headers();
  for (const [name, value] of Object.entries(answer.headers)) {
    for (const one of [value ?? []].flat()) headers.append(name, one);
  }
  const { statusCode: status } = answer;
  const isBare = status === 204 || status === 205 || status === 304;
  const response = new Response(isBare ? null : Buffer.concat(chunks), { status, headers });
  // Some clients compare the address they asked with the one that answered.
  return Object.defineProperty(response, 'url', { value: url.href });
}

function locationOf(response: Response): string | undefined {
  const isRedirect = [301, 302, 303, 307, 308].includes(response.status);
  return isRedirect ? (response.headers.get('location') ?? undefined) : undefined;
}

function follow({ url, headers }: Hop, location: string, policy: EgressPolicy): Hop {
  if (!URL.canParse(location, url.href)) throw badReply(url, 'redirects to something that is no address');
  const next = new URL(location, url);
  if (next.protocol !== 'https:' && next.protocol !== 'http:') throw badReply(url, `redirects to ${next.protocol}`);
  const kept = new Headers(headers);
  if (next.origin !== url.origin) for (const name of CREDENTIALS) kept.delete(name);
  // Nobody has registered the address that a redirect names.
  return { url: next, headers: kept, policy: policy.kind === 'server' ? { kind: 'discovered', server: url } : policy };
}

function explain(url: URL, error: unknown, isAnswered: boolean): unknown {
  const own = findGatewayError(error);
  if (own !== undefined) return own;
  const message = `${isAnswered ? 'the connection was lost' : 'cannot connect'} (${url.origin}): ${messageOf(error)}`;
  return new GatewayError(isAnswered ? 'upstream_lost' : 'upstream_unreachable', message, { cause: error });
}

/** Our own refusal, which came through the library as the reason why there is no connection. */
export function findGatewayError(error: unknown): GatewayError | undefined {
  for (let current = error; current instanceof Error; current = current.cause) {
    if (current instanceof GatewayError) return current;
  }
  return undefined;
}

function badReply({ origin }: URL, what: string): GatewayError {
  return new GatewayError('upstream_bad_reply', `${origin} ${what}`);
}

function tooSlow({ origin }: URL, timeoutMs: number): GatewayError {
  return new GatewayError('upstream_timeout', `no answer from ${origin} within ${timeoutMs / 1000} s`);
}
