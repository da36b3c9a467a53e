import type { ApiAnswer, GatewayAccess } from './gateway.ts';
import type { Upstream } from './upstream.ts';

/** How callers come by credentials, and how a server tells which one a call came with. */
export interface CredentialKind {
  /** Starts a server that lets in who shows a secret of `known`. */
  start(known: ReadonlySet<string>): Promise<Upstream>;
  /** Registers it, open to all keys, and gives its id. */
  register(gateway: GatewayAccess, name: string, url: string): Promise<string>;
  /** Whether who enters a credential names the account; else it is the one of the call, and uses up all links for that. */
  readonly picksLabel: boolean;
  /** Does what a refused call asks for, with this secret; gives the HTTP status of the last step. */
  enter(ask: Ask, flowId: string, secret: string, label: string | undefined): Promise<number>;
  /** The secret that a request to the server carried. */
  secretIn(headers: Readonly<Record<string, string>>): string;
  /** What else must never be shown. */
  tokensOf?(): readonly string[];
  /** Headers by which a caller might try to pass for another. */
  forge(secret: string): Record<string, string>;
  /** Changes the server so that everybody is asked anew; gives the HTTP status. */
  demandAll(gateway: GatewayAccess, id: string, round: number): Promise<number>;
  /** Ends what the servers share. */
  stop?(): Promise<void>;
}

/** One request to the API of somebody who opened a link. */
export type Ask = (
  method: string,
  path: string,
  body?: unknown,
) => Promise<Pick<ApiAnswer, 'status' | 'headers' | 'body'>>;

/** One step of a random history. Numbers pick among what there is at that moment. */
export type Step =
  | { readonly do: 'call'; readonly calls: readonly Call[] }
  | {
      readonly do: 'everybody';
      readonly server: number;
      readonly label: number;
      readonly isOnMcp: boolean;
      readonly forged: number;
    }
  | { readonly do: 'enter'; readonly flow: number; readonly link: number; readonly label: number | undefined }
  | { readonly do: 'revoke'; readonly row: number }
  | { readonly do: 'renew'; readonly row: number }
  | { readonly do: 'expire'; readonly secret: number }
  | { readonly do: 'grant'; readonly server: number; readonly isOpen: boolean; readonly keys: readonly number[] }
  | { readonly do: 'demand'; readonly server: number }
  | { readonly do: 'drop'; readonly holder: number };

/** A call of one holder; those of one step run at the same time. */
export interface Call {
  readonly holder: number;
  readonly server: number;
  readonly label: number;
  readonly isOnMcp: boolean;
  /** Whose secret or session id it tries to slip in. */
  readonly forged: number;
}
