import { createHmac } from 'node:crypto';
import { BlockList, isIP } from 'node:net';
import type { ClientSettings } from '../contract/client-settings.ts';
import { GatewayError } from '../lib/errors.ts';
import { isSameText } from '../lib/same-text.ts';
import type { RequestHeaders } from './identify.ts';

interface Deps {
  /** Addresses and networks of proxies in front. */
  readonly trustedProxies: readonly string[];
  readonly settings: () => Pick<ClientSettings, 'mcp_external_client_url'>;
  /** Of a purpose of its own. */
  readonly csrfKey: Buffer;
}

/** A request as far as it tells where it comes from. */
export interface Origin {
  readonly headers: RequestHeaders;
  /** The other end of the connection. */
  readonly ip: string | undefined;
}

/** What the gateway knows about browsers: where they are, and whether a page of ours or a foreign one made them ask. */
export interface Browser {
  /** Where the client is, also behind a proxy; IPv6 by network, of which everybody has one. */
  addressOf(origin: Origin): string;
  /** True when cookies may only travel over TLS. */
  isSecure(origin: Origin): boolean;
  /** The address of the gateway as the browser knows it, without a slash at the end. */
  baseUrl(origin: Origin): string;
  /** Throws `forbidden` for a request that a foreign page made. Without `isStrict`, what no browser sent passes. */
  demandOwnPage(origin: Origin, options: { isStrict: boolean }): void;
  /** What a page of ours knows about its session, and a foreign one cannot. */
  csrfToken(sessionToken: string): string;
  /** Throws `forbidden` unless the request carries that token. */
  demandCsrfToken(origin: Origin, sessionToken: string): void;
}

export const CSRF_HEADER = 'x-csrf-token';
const LOOPBACK = ['127.0.0.0/8', '::1'];

export function createBrowser({ trustedProxies, settings, csrfKey }: Deps): Browser {
  const proxies = networks(trustedProxies);
  const nearby = networks([...trustedProxies, ...LOOPBACK]);

  function isSecure({ headers, ip }: Origin): boolean {
    if (settings().mcp_external_client_url.startsWith('https:')) return true;
    return contains(nearby, ip) && lastOf(headers['x-forwarded-proto']) === 'https';
  }

  function isOwn(origin: Origin, page: string): boolean {
    if (!URL.canParse(page)) return false; // such as "null", of a sandboxed page
    const { protocol, host, origin: shown } = new URL(page);
    const external = settings().mcp_external_client_url;
    if (URL.canParse(external) && new URL(external).origin === shown) return true;
    // A page that came without TLS may be anybody's.
    if (isSecure(origin) && protocol !== 'https:') return false;
    return host === String(origin.headers.host ?? '').toLowerCase();
  }

  function csrfToken(sessionToken: string): string {
    return createHmac('sha256', csrfKey).update(sessionToken).digest('base64url');
  }

  return {
    isSecure,
    csrfToken,

    addressOf({ headers, ip }) {
      const hops = String(headers['x-forwarded-for'] ?? '').split(',');
      let address = ip;
      // From the right: what stands left of the first address that is no proxy of ours, anybody can have written.
      while (contains(proxies, address) && hops.length > 0) {
        const hop = hops.pop()?.trim() ?? '';
        if (isIP(hop) === 0) break;
        address = hop;
      }
      return placeOf(address);
    },

    baseUrl(origin) {
      const external = settings().mcp_external_client_url;
      if (external !== '') return external.replace(/\/+$/, '');
      return `${isSecure(origin) ? 'https' : 'http'}://${String(origin.headers.host ?? 'localhost')}`;
    },

    demandOwnPage(origin, { isStrict }) {
      const { origin: page, 'sec-fetch-site': site } = origin.headers;
      if (site !== undefined && site !== 'same-origin') throw foreign(`Sec-Fetch-Site is "${String(site)}"`);
      if (page !== undefined && !isOwn(origin, String(page))) throw foreign(`Origin is "${String(page)}"`);
      if (isStrict && page === undefined && site === undefined) throw foreign('there is no Origin');
    },

    demandCsrfToken({ headers }, sessionToken) {
      if (isSameText(String(headers[CSRF_HEADER] ?? ''), csrfToken(sessionToken))) return;
      throw new GatewayError('forbidden', 'the header X-CSRF-Token must be the csrf_token of GET /api/session/me');
    },
  };
}

function networks(texts: readonly string[]): BlockList {
  const list = new BlockList();
  for (const text of texts) {
    const [address = '', bits] = text.split('/');
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return list;
}

function contains(list: BlockList, address: string | undefined): boolean {
  if (address === undefined || isIP(address) === 0) return false;
  return list.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}

/** What one client can be expected to have only one of. */
function placeOf(address = 'unknown'): string {
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1];
  if (mapped !== undefined) return mapped;
  if (isIP(address) !== 6) return address;
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - left.length - right.length);
  const groups = [...left, ...Array<string>(zeros).fill('0'), ...right];
  return `${groups
    .slice(0, 4)
    .map((group) => Number.parseInt(group, 16).toString(16))
    .join(':')}::/64`;
}

function lastOf(header: string | readonly string[] | undefined): string {
  return (
    String(header ?? '')
      .split(',')
      .at(-1)
      ?.trim()
      .toLowerCase() ?? ''
  );
}

function foreign(reason: string): GatewayError {
  return new GatewayError('forbidden', `this request must come from a page of the gateway itself, but ${reason}`);
}
