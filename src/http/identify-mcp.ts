import type { ClientSettings } from '../contract/client-settings.ts';
import type { Caller } from '../governance/caller.ts';
import { GatewayError } from '../lib/errors.ts';
import { demandHeaders, readVirtualKey, type Identify, type RequestHeaders } from './identify.ts';

/** Who comes with an access token of this gateway; see oauth2/authority.ts. */
export interface InboundTokens {
  /** The token of a request that says to be ours; nothing about it is checked. */
  tokenIn(headers: RequestHeaders): string | undefined;
  callerOf(token: string, headers: RequestHeaders): Caller | Promise<Caller>;
}

/** The caller of `/mcp` in any of its transports: by an access token or by a key, whatever the settings let in. */
export type IdentifyMcp = (headers: RequestHeaders) => Caller | Promise<Caller>;

interface Deps {
  readonly identify: Pick<Identify, 'identifyInference'>;
  readonly tokens: InboundTokens;
  readonly settings: () => Pick<
    ClientSettings,
    'mcp_server_auth_mode' | 'dual_credential_conflict_behavior' | 'required_headers'
  >;
}

/** Puts access tokens beside, or in the place of, the keys that `/v1` knows. */
export function createIdentifyMcp({ identify, tokens, settings }: Deps): IdentifyMcp {
  return (headers) => {
    const { mcp_server_auth_mode: mode, dual_credential_conflict_behavior: conflict, required_headers } = settings();
    if (mode === 'headers') return identify.identifyInference(headers);
    const token = tokens.tokenIn(headers);
    const isDouble = token !== undefined && readVirtualKey(headers) !== undefined;
    if (isDouble && conflict === 'error')
      throw new GatewayError('unauthorized', 'send either an access token or a virtual key, not both');
    if (token !== undefined && !(isDouble && conflict === 'prefer_header')) {
      demandHeaders(headers, required_headers);
      return tokens.callerOf(token, headers);
    }
    if (mode === 'oauth') throw new GatewayError('unauthorized', 'only OAuth access tokens are accepted here');
    return identify.identifyInference(headers);
  };
}
