import { isIP } from 'node:net';
import type { ClientSettings } from '../contract/client-settings.ts';
import { GatewayError } from '../lib/errors.ts';
import type { HotRequest, HotResponse } from './hot.ts';

interface Deps {
  /** The address that the gateway listens on. */
  readonly host: string;
  readonly settings: () => Pick<
    ClientSettings,
    'allowed_origins' | 'mcp_external_client_url' | 'mcp_external_server_url' | 'oauth2_server_config'
  >;
}

/**
 * Refuses requests that a foreign web page makes a browser send. Throws `forbidden`; writes the CORS headers for the others, if
 * they are to get a response.
 */
export type CheckOrigin = (request: HotRequest, response?: HotResponse) => void;

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\]|::1|.+\.localhost)$/i;
const ALLOWED_HEADERS =
  'Authorization, Content-Type, Accept, Last-Event-ID, Mcp-Session-Id, MCP-Protocol-Version, Mcp-Method, Mcp-Name, X-Requested-With';

/**
 * Against DNS rebinding (MCP Transports, security warning): a page of evil.example that resolves to this machine shows itself by
 * its Host, which must be ours, and by its Origin, which must be of this machine, the same host, or named in the settings.
 */
export function createCheckOrigin({ host, settings }: Deps): CheckOrigin {
  // Behind another name only a loopback listener can be reached by mistake; others are meant to be reached by names we cannot know.
  const isLocal = LOOPBACK.test(host);

  function isOwnHost(requested: string): boolean {
    const name = hostname(requested);
    if (!isLocal || LOOPBACK.test(name) || isIP(name) !== 0) return true;
    const { mcp_external_client_url, mcp_external_server_url, oauth2_server_config } = settings();
    const own = [mcp_external_client_url, mcp_external_server_url, oauth2_server_config.issuer_url];
    return own.map(hostOf).includes(requested.toLowerCase());
  }

  /** The last Host that was found to be ours: nearly all requests name the same one. */
  let known: { host: string; settings: unknown } | undefined;

  return (request, response) => {
    const { host: requested = '', origin } = request.headers;
    const current = settings();
    if (known?.host !== requested || known.settings !== current) {
      if (!isOwnHost(requested)) {
        throw new GatewayError(
          'forbidden',
          `header Host: "${requested}" is not this gateway; set mcp_external_client_url to allow it`,
        );
      }
      known = { host: requested, settings: current };
    }
    if (origin === undefined) return;
    const isAllowed =
      isLoopback(hostOf(origin)) ||
      hostOf(origin) === requested.toLowerCase() ||
      current.allowed_origins.some((pattern) => matches(pattern, origin));
    if (!isAllowed) throw new GatewayError('forbidden', `header Origin: "${origin}" is not in allowed_origins`);
    if (response === undefined) return;
    response.setHeader('access-control-allow-origin', origin);
    response.setHeader('access-control-expose-headers', 'Mcp-Session-Id, WWW-Authenticate');
    response.setHeader('vary', 'Origin');
  };
}

/** Answers a CORS preflight whose origin has been checked. */
export function answerPreflight(response: HotResponse): void {
  response.writeHead(204, {
    'access-control-allow-methods': 'GET, POST, PUT, DELETE, OPTIONS',
    'access-control-allow-headers': ALLOWED_HEADERS,
    'access-control-max-age': '86400',
  });
  response.end();
}

/** Whether a Host, with or without a port, is this machine. */
export function isLoopback(host: string): boolean {
  return LOOPBACK.test(hostname(host));
}

/** `*`, an exact origin, or `https://*.example.com`. */
function matches(pattern: string, origin: string): boolean {
  if (pattern === '*' || pattern === origin) return true;
  const [scheme, rest] = pattern.split('://*.');
  return rest !== undefined && origin.startsWith(`${scheme}://`) && origin.endsWith(`.${rest}`);
}

/** Host and port of a URL in lower case; empty for anything else, such as the origin "null". */
function hostOf(url: string): string {
  return URL.canParse(url) ? new URL(url).host : '';
}

function hostname(host: string): string {
  return host.replace(/:\d+$/, '');
}
