/** How the gateway signs in to one server. */
export interface OAuthConfigTable {
  id: string;
  /** Null while the client is not registered yet. */
  mcp_client_id: string | null;
  /** The client that waits for the sign-in: JSON, encrypted as a whole; empty when there is none. */
  pending_client: string;
  grant_type: string;
  /** The authorization server that `client_id` belongs to. */
  issuer: string | null;
  /** As the operator gave them; null where they are discovered. */
  authorize_url: string | null;
  token_url: string | null;
  registration_url: string | null;
  /** What the authorization server said of itself, JSON. */
  server: string | null;
  client_id: string | null;
  client_secret: string;
  registration: string | null;
  registered_redirect_uri: string | null;
  registered_scopes: string | null;
  client_secret_expires_at: number | null;
  token_endpoint_auth_method: string | null;
  private_key: string;
  scopes: string;
  resource: string | null;
  status: string;
  status_reason: string | null;
  trace: string | null;
  created_at: number;
  updated_at: number;
  expires_at: number | null;
}

/** One sign-in under way. */
export interface OAuthFlowTable {
  id: string;
  config_id: string;
  client_id: string;
  /** SHA-256 in hex; so is `bind_hash`. */
  state_hash: string;
  verifier: string;
  issuer: string;
  redirect_uri: string;
  /** The client that asks, if the gateway registered it: JSON, encrypted as a whole. */
  registration: string | null;
  purpose: string;
  mode: string;
  identity: string;
  label: string;
  bind_hash: string | null;
  scopes: string;
  resource: string | null;
  status: string;
  status_reason: string | null;
  created_at: number;
  expires_at: number;
}

/** What a sign-in gave. */
export interface OAuthTokenTable {
  id: string;
  config_id: string;
  client_id: string;
  mode: string;
  identity: string;
  label: string;
  issuer: string;
  resource: string | null;
  access: string;
  refresh: string;
  /** The client that it was given to, as in {@link OAuthFlowTable}. Null as well if it is older than this column. */
  registration: string | null;
  /** Null: not known. */
  expires_at: number | null;
  scopes: string;
  wanted_scopes: string;
  status: string;
  status_reason: string | null;
  last_refreshed_at: number | null;
  created_at: number;
  updated_at: number;
}

/** What a caller entered for a server that knows each of its callers. Unique by client, mode, identity and label. */
export interface HeaderCredentialTable {
  id: string;
  client_id: string;
  mode: string;
  identity: string;
  identity_name: string;
  label: string;
  /** A JSON object of header values, encrypted as a whole. */
  header_values: string;
  status: string;
  status_reason: string | null;
  version: number;
  created_at: number;
  updated_at: number;
}

/** A form on which header values are entered. */
export interface HeaderFlowTable {
  id: string;
  auth_kind: string;
  client_id: string;
  mode: string;
  identity: string;
  identity_name: string;
  label: string;
  status: string;
  created_at: number;
  expires_at: number;
}
