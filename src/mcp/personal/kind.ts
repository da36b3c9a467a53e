import type { Actor } from '../../governance/audit.ts';
import type { Holder } from '../../store/holder.ts';
import type { McpClient } from '../../store/mcp-clients.ts';
import type { Auth } from '../transport/auth.ts';

/** The credential of a holder that works right now. */
export interface Personal {
  /** Its id; connections end when it changes. */
  readonly id: string;
  /** Changes with the credential: connections are shared by callers with the same text, never by others. */
  readonly key: string;
  readonly auth: Auth;
  /** What must not be seen in the text of an error. */
  readonly secrets: () => readonly string[];
}

/** What a caller has to do, begun: a form to fill in, or a sign-in. */
export interface Begun {
  readonly flow_id: string;
  /** Header names that the form asks for; undefined where there is no such form. */
  readonly required_header_keys?: readonly string[];
  readonly admin_header_keys?: readonly string[];
}

/** A credential, or what waits to become one, as lists show it. */
export interface PersonalRow extends Holder {
  readonly id: string;
  readonly kind: 'token' | 'header' | 'flow';
  readonly auth_kind: 'oauth' | 'headers';
  readonly client_id: string;
  /** Without regard to whether the identity may use the server. */
  readonly status: string;
  /** Epoch milliseconds, like all times here. */
  readonly expires_at?: number | undefined;
  readonly created_at: number;
  readonly updated_at?: number | undefined;
  readonly last_refreshed_at?: number | undefined;
  readonly oauth_config_id?: string | undefined;
}

/** One way in which callers have credentials of their own with servers: header values, or OAuth tokens. */
export interface PersonalKind {
  readonly auth_kind: 'oauth' | 'headers';
  /** Undefined when the holder has none, or none that works. */
  find(client: McpClient, holder: Holder): Personal | undefined | Promise<Personal | undefined>;
  /** Begins what leads to one, or gives what was begun for this holder and still waits. */
  begin(client: McpClient, holder: Holder): Promise<Begun>;
  /** Credentials, and what waits to become one. */
  rows(): Promise<PersonalRow[]>;
  /** Removes a credential with what waits to become the same, or what waits; false when there is no such id here. */
  remove(id: string, actor: Actor): Promise<boolean>;
}
