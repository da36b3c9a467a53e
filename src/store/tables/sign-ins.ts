import type { Generated } from 'kysely';

export interface ApiKeyTable {
  id: Generated<number>;
  name: string;
  /** SHA-256 in hex. */
  key_hash: string;
  key_prefix: string;
  description: string | null;
  scopes: string;
  created_by_user_id: string | null;
  expires_at: number | null;
  last_used_at: number | null;
  created_at: number;
  updated_at: number;
}

export interface UserTable {
  id: string;
  username: string;
  /** The name as it is looked up: two that look the same to people are the same. */
  username_key: string;
  /** Argon2id; null for whoever signs in elsewhere. */
  password_hash: string | null;
  role: string;
  origin: string;
  /** Issuer and subject at the identity provider. */
  sso_subject: string | null;
  is_active: number;
  created_at: number;
  updated_at: number;
  last_login_at: number | null;
}

/** A browser in which somebody has signed in. */
export interface WebSessionTable {
  /** SHA-256 in hex of the cookie. */
  token_hash: string;
  user_id: string;
  expires_at: number;
  created_at: number;
  ip: string | null;
  user_agent: string | null;
}

/** What the authorization server library keeps: clients, sign-ins under way, codes, refresh tokens. Ids are SHA-256 in hex. */
export interface OAuthModelTable {
  kind: string;
  id_hash: string;
  /** The grant that it belongs to; they end together. */
  grant_hash: string | null;
  uid_hash: string | null;
  /** Encrypted JSON. */
  payload: string;
  /** When it was used, for what may be used once. */
  consumed_at: number | null;
  expires_at: number;
}

/** A client that signed in to `/mcp`. Without this row neither its refresh token nor its access tokens work. */
export interface OAuthSessionTable {
  /** SHA-256 of the grant, which access tokens name. */
  id: string;
  client_id: string;
  client_name: string;
  /** On whose behalf it calls, such as "virtual-key:…". */
  principal: string;
  scopes: string;
  created_at: number;
  last_used_at: number;
  expires_at: number;
}
