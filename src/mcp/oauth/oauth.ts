import type { Diagnosis } from '../../contract/diagnosis.ts';
import type { OAuthConfigInput, OAuthStatus, OAuthTraceStep } from '../../contract/oauth.ts';
import type { GatewayError } from '../../lib/errors.ts';
import type { McpClient } from '../../store/mcp-clients.ts';
import type { OAuthConfig } from '../../store/oauth-configs.ts';
import type { OAuthFlow } from '../../store/oauth-flows.ts';
import type { OAuthToken, TokenStatus } from '../../store/oauth-tokens.ts';
import type { Executor } from '../../store/schema.ts';
import type { Exchanges } from '../exchange/exchanges.ts';
import type { Auth } from '../transport/auth.ts';

/** On whose behalf a server is called; see personal/identity.ts. */
export interface Identity {
  readonly mode: 'user' | 'vk' | 'session';
  readonly id: string;
}

/** Whose token: all callers', the administrator's (to list what a per-user server offers), or one identity's. */
export type TokenOwner = 'shared' | 'admin' | Identity;

/** A token as others may know it. The secrets stay inside. */
export type TokenView = Omit<OAuthToken, 'access' | 'refresh' | 'registration'> & { readonly isRenewable: boolean };

/** What is wrong with a credential, for the one who words the refusal. */
export interface TokenProblem {
  readonly client: McpClient;
  readonly owner: TokenOwner;
  /** `missing`: nobody signed in yet. */
  readonly kind: 'missing' | 'needs_reauth' | 'orphaned' | 'more_scopes';
  readonly reason: string;
  /** The scopes to ask for at the next sign-in, where the server named some. */
  readonly wanted_scopes: readonly string[];
}

export interface BeginAdmin {
  /** The record as it will be; it need not be stored. Its `auth_type` decides whose the token becomes: shared or admin. */
  readonly client: McpClient;
  /** Makes a new configuration; without it the client's own is signed in to again. */
  readonly input?: OAuthConfigInput | undefined;
  /** Given back by {@link OAuth.pendingOf}: the client to make when the sign-in is done. Kept for 15 minutes, encrypted. */
  readonly pending?: string | undefined;
  readonly redirectUri: string;
  /** A secret of the browser that begins (a cookie); the one that ends must show the same. */
  readonly bind?: string | undefined;
}

export interface BeginUser {
  readonly client: McpClient;
  readonly identity: Identity;
  /** Which account, if the identity has several on this server. */
  readonly label?: string | undefined;
  readonly redirectUri: string;
  readonly bind?: string | undefined;
}

/** A sign-in that waits for a browser, or one that needed none (client_credentials). */
export type Begun =
  | {
      readonly status: 'pending';
      readonly oauth_config_id: string;
      readonly flow_id: string;
      readonly authorize_url: string;
      /** Epoch milliseconds. */
      readonly expires_at: number;
    }
  | { readonly status: 'authorized'; readonly oauth_config_id: string };

/** A sign-in that succeeded. */
export interface Finished {
  readonly purpose: 'admin' | 'user';
  readonly config: OAuthConfig;
  readonly client_id: string;
  readonly identity: Identity | undefined;
  readonly flow: OAuthFlow;
}

/** A credential that changed, in any process. `status` is undefined when it was removed. */
export interface TokenChange {
  readonly id: string;
  readonly client_id: string;
  readonly config_id: string;
  readonly mode: OAuthToken['mode'];
  readonly identity: string;
  readonly label: string;
  readonly status: TokenStatus | undefined;
}

/** Signs in to servers, and keeps what it gets alive. */
export interface OAuth {
  beginAdmin(options: BeginAdmin): Promise<Begun>;
  /** Under the configuration that the client has (`oauth_config_id`). */
  beginUser(options: BeginUser): Promise<Begun>;
  /**
   * The callback. Throws a GatewayError whose message may be shown; `details.purpose` and `details.oauth_config_id` say what
   * failed where that is known.
   */
  finish(options: { readonly query: URLSearchParams; readonly bind?: string | undefined }): Promise<Finished>;
  /** Throws `not_found`. */
  statusOf(config_id: string): Promise<OAuthStatus>;
  configOf(config_id: string): Promise<OAuthConfig | undefined>;
  flowOf(flow_id: string): Promise<OAuthFlow | undefined>;
  /** The configuration with its pending client. Throws `not_found`; `wrong_state` unless it is authorized and in time. */
  pendingOf(config_id: string): Promise<OAuthConfig & { readonly pending_client: string }>;
  /** The client now exists (or takes this configuration over): its tokens become those of `client_id`. Publish follows. */
  adopt(config_id: string, client_id: string, tx?: Executor): Promise<void>;
  /** Call after the commit of what was done with a `tx`. */
  published(config_id: string): Promise<void>;
  /** Forgets the tokens of a configuration. Throws `not_found` when there is no such configuration, or nothing to revoke. */
  revoke(config_id: string, tx?: Executor): Promise<OAuthConfig>;
  removeOfClient(client_id: string): Promise<void>;
  /** What every request of this owner carries. Its methods throw `refuse(problem)`. */
  tokenFor(client: McpClient, owner: TokenOwner, options?: TokenOptions): Auth;
  /** The tokens in memory, all or one client's. */
  tokens(client_id?: string): readonly TokenView[];
  /** The tokens of one identity on one server under its configuration of now, one of each account. */
  accounts(client: McpClient, identity: Identity): readonly TokenView[];
  setTokenStatus(ids: readonly string[], status: TokenStatus, reason?: string): Promise<void>;
  removeTokens(ids: readonly string[]): Promise<void>;
  /** What keeps the shared or administrator's credential from being used. */
  obstacle(client: McpClient): 'pending_verification' | 'needs_reauth' | undefined;
  /** RFC 8693: tokens of callers for such as servers take. */
  readonly exchanges: Exchanges;
  /** The steps of the latest exchange under this configuration. */
  traceOf(config_id: string): Promise<readonly OAuthTraceStep[]>;
  /** Every step of signing in to this server. Asks afresh, and changes nothing. */
  diagnose(client: McpClient): Promise<Diagnosis>;
  /** The client id metadata document, and where it must be served; undefined without a public https address. */
  clientDocument(): Readonly<Record<string, unknown>> | undefined;
  /** Gives the function that ends the subscription. */
  onChanged(listener: (change: TokenChange) => void): () => void;
  /** Stores what is being renewed first. */
  stop(): Promise<void>;
}

export interface TokenOptions {
  /** Which account of the owner. */
  readonly label?: string | undefined;
  /** Words the refusal; the default tells an administrator to sign in again. */
  readonly refuse?: (problem: TokenProblem) => GatewayError;
}
