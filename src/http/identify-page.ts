import type { ClientSettings } from '../contract/client-settings.ts';
import type { Caller } from '../governance/caller.ts';
import { CSRF_HEADER } from './browser.ts';
import type { HotRequest } from './hot.ts';
import { demandHeaders, OTHER_PLACES, readVirtualKey, type RequestHeaders } from './identify.ts';
import type { IdentifyManager } from './identify-manager.ts';
import type { IdentifyMcp } from './identify-mcp.ts';

interface Deps {
  readonly identifyMcp: IdentifyMcp;
  readonly identifyManager: IdentifyManager;
  readonly settings: () => Pick<ClientSettings, 'required_headers'>;
}

/** The caller of one request to `/mcp`, who may also be somebody on a page of the dashboard. */
export type IdentifyMcpRequest = (request: Pick<HotRequest, 'headers' | 'socket'>) => Caller | Promise<Caller>;

/**
 * Lets the dashboard's own pages call `/mcp` as whoever is signed in. A cookie alone is no credential here: it counts only with
 * the CSRF token and the origin of our own page, and only where no other credential was sent.
 */
export function createIdentifyPage({ identifyMcp, identifyManager, settings }: Deps): IdentifyMcpRequest {
  return ({ headers, socket }) => {
    if (headers[CSRF_HEADER] === undefined || hasCredential(headers)) return identifyMcp(headers);
    demandHeaders(headers, settings().required_headers);
    // As a change, whatever the method: reading through /mcp runs things too.
    return identifyManager(headers, 'mcp', { method: 'POST', path: '/mcp', ip: socket.remoteAddress });
  };
}

function hasCredential(headers: RequestHeaders): boolean {
  if (headers['authorization'] !== undefined || readVirtualKey(headers) !== undefined) return true;
  return OTHER_PLACES.some((name) => headers[name] !== undefined);
}
