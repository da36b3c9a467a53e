import type { Caller } from '../governance/caller.ts';
import type { McpClient } from '../store/mcp-clients.ts';
import type { CallerHeaders } from './relay/forwarded-headers.ts';
import type { Auth } from './transport/auth.ts';

/** On whose behalf a server with per-user credentials is called; the first that is known, in this order. */
export interface Identity {
  readonly mode: 'user' | 'vk' | 'session';
  /** User id, virtual key id, or the value of `x-bf-mcp-session-id`. */
  readonly id: string;
}

/** The credential of one caller for one server. */
export interface OwnAuth {
  readonly auth: Auth;
  /** Changes with the identity and with the credential: connections are shared by callers with the same text, never by others. */
  readonly key: string;
}

/** How the gateway authenticates to servers, by `auth_type`. */
export interface Credentials {
  /** For the connection that all callers share; undefined where the static headers are all there is. */
  shared(client: McpClient): Auth | undefined;
  /**
   * For the calls of one caller, where each has a credential of their own; undefined for servers that all callers share. Throws
   * `mcp_auth_required` with what the caller has to do, or `forbidden` where nothing helps.
   */
  own(client: McpClient, caller: Caller, headers: CallerHeaders): Promise<OwnAuth | undefined>;
  /** What keeps a server from being used until somebody signs in; undefined when nothing does. */
  obstacle(client: McpClient): 'pending_verification' | 'needs_reauth' | undefined;
}

/** Nothing but static headers. */
export const NO_CREDENTIALS: Credentials = Object.freeze({
  shared: () => undefined,
  own: () => Promise.resolve(undefined),
  obstacle: () => undefined,
});
