import { createHmac } from 'node:crypto';
import type { ClientSettings } from '../../contract/client-settings.ts';
import { isSameText } from '../../lib/same-text.ts';
import type { CallerHeaders } from '../relay/forwarded-headers.ts';
import type { Holder } from '../../store/holder.ts';

interface LinkDeps {
  /** Of this purpose alone. */
  readonly key: Buffer;
  readonly settings: () => Pick<ClientSettings, 'mcp_external_client_url' | 'mcp_enable_temp_token_auth'>;
}

/** The addresses under which people enter what a call lacks, and the tokens that open them. */
export interface Links {
  /** The address of the page of a flow, for whoever sent a request with these headers. */
  toFlow(
    flow: Pick<Holder, 'mode' | 'identity'> & { readonly id: string },
    kind: 'oauth' | 'headers',
    headers: CallerHeaders,
  ): string;
  /** Whether a token opens this flow. It opens nothing else. */
  opens(token: string, flowId: string): boolean;
}

const PAGE = '/workspace/mcp-sessions/auth';

/**
 * The token stands in the fragment of a link, which browsers send to no server and servers write into no log. It is made from the
 * id of the flow with a key of ours, so a flow that is begun twice has the same link twice, and nothing need be kept of it.
 */
export function createLinks({ key, settings }: LinkDeps): Links {
  const tokenOf = (flowId: string): string => createHmac('sha256', key).update(flowId).digest('base64url');
  return {
    toFlow({ id, mode, identity }, kind, headers) {
      const { mcp_external_client_url, mcp_enable_temp_token_auth } = settings();
      const base = mcp_external_client_url.replace(/\/+$/, '') || baseOf(headers);
      // Whoever has an account signs in, and is known to be the one that the link is for.
      const hasAccount = mode === 'user' && !identity.startsWith('api-key:');
      const token = mcp_enable_temp_token_auth && !hasAccount ? `#t=${tokenOf(id)}` : '';
      return `${base}${PAGE}?flow=${encodeURIComponent(id)}${kind === 'headers' ? '&kind=headers' : ''}${token}`;
    },
    opens: (token, flowId) => isSameText(token, tokenOf(flowId)),
  };
}

/** The address that the caller itself used. */
function baseOf(headers: CallerHeaders): string {
  const host = String(headers.host ?? '');
  const proto = String(headers['x-forwarded-proto'] ?? '')
    .split(',', 1)[0]
    ?.trim();
  return `${proto === 'https' ? 'https' : 'http'}://${/^[\w.:[\]-]+$/.test(host) ? host : 'localhost'}`;
}
