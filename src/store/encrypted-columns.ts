import { LASTING_PURPOSES, type Place } from '../lib/encryption.ts';
import { lastingKeyRow } from './encryption-key.ts';
import type { Tables } from './schema.ts';
import { SIGNING_KEY } from './signing-keys.ts';

/** Takes a stored text and where it stands, and gives what is to stand there: itself, unless it is encrypted. */
export type Visit = (text: string, place: Place) => string;

/** A column with encrypted values, and how to get at them. */
export interface EncryptedColumn {
  readonly table: keyof Tables;
  /** What identifies a row. */
  readonly keys: readonly string[];
  readonly column: string;
  /** The column with every encrypted value replaced by what `visit` makes of it. */
  readonly map: (text: string, row: Readonly<Record<string, string>>, visit: Visit) => string;
}

/**
 * Every column that holds something encrypted. A key rotation goes over this list and over nothing else: whoever encrypts a new
 * column adds it here, or the test beside this file fails.
 */
export const ENCRYPTED_COLUMNS: readonly EncryptedColumn[] = [
  whole('mcp_clients', 'client_id', 'connection_string'),
  members('mcp_clients', 'client_id', 'headers'),
  members('mcp_clients', 'client_id', 'tls_config'),
  {
    ...whole('mcp_clients', 'client_id', 'token_exchange'),
    map(text, { client_id = '' }, visit) {
      const stored = JSON.parse(text) as { client_id: string; client_secret: string };
      const at = (name: 'client_id' | 'client_secret'): string =>
        visit(stored[name], `mcp_clients:token_exchange.${name}:${client_id}`);
      return JSON.stringify({ ...stored, client_id: at('client_id'), client_secret: at('client_secret') });
    },
  },
  {
    ...whole('mcp_clients', 'client_id', 'stdio_config'),
    map(text, { client_id = '' }, visit) {
      const config = JSON.parse(text) as { envs: { name: string; value?: string }[] };
      const envs = config.envs.map(({ name, value, ...rest }) => {
        const place = `mcp_clients:stdio_config.${name}:${client_id}` as const;
        return { name, ...rest, ...(value !== undefined && { value: visit(value, place) }) };
      });
      return JSON.stringify({ ...config, envs });
    },
  },
  whole('virtual_keys', 'id', 'value'),
  whole('oauth_configs', 'id', 'pending_client'),
  whole('oauth_configs', 'id', 'client_secret'),
  whole('oauth_configs', 'id', 'private_key'),
  whole('oauth_flows', 'id', 'verifier'),
  whole('oauth_flows', 'id', 'registration'),
  whole('oauth_tokens', 'id', 'access'),
  whole('oauth_tokens', 'id', 'refresh'),
  whole('oauth_tokens', 'id', 'registration'),
  whole('header_credentials', 'id', 'header_values'),
  members('providers', 'name', 'extra_headers'),
  whole('providers', 'name', 'ca_cert_pem'),
  members('provider_keys', 'id', 'secrets'),
  whole('mcp_approvals', 'id', 'arguments'),
  whole('code_runs', 'id', 'state'),
  whole('code_artifacts', 'id', 'content'),
  whole('kept_results', 'id', 'content'),
  whole('response_ends', 'id', 'content'),
  {
    table: 'oauth_models',
    keys: ['kind', 'id_hash'],
    column: 'payload',
    map: (text, { kind = '', id_hash = '' }, visit) => visit(text, `oauth_models:payload:${kind}.${id_hash}`),
  },
  {
    table: 'settings',
    keys: ['key'],
    column: 'value',
    map(text, { key }, visit) {
      if (key === SIGNING_KEY) {
        const stored = JSON.parse(text) as { kid: string; key: string };
        return JSON.stringify({ ...stored, key: visit(stored.key, `settings:${SIGNING_KEY}:${stored.kid}`) });
      }
      const purpose = LASTING_PURPOSES.find((each) => lastingKeyRow(each).name === key);
      return purpose === undefined
        ? text
        : JSON.stringify(visit(JSON.parse(text) as string, lastingKeyRow(purpose).place));
    },
  },
];

/** A column that is one secret, written with `seal` of secret-columns.ts. */
export function whole<T extends keyof Tables>(
  table: T,
  id: keyof Tables[T] & string,
  column: keyof Tables[T] & string,
): EncryptedColumn {
  return { table, keys: [id], column, map: (text, row, visit) => visit(text, `${table}:${column}:${row[id] ?? ''}`) };
}

/** A column that is a JSON object of secrets by name, written with `sealAll`; members that are no text stay. */
export function members<T extends keyof Tables>(
  table: T,
  id: keyof Tables[T] & string,
  column: keyof Tables[T] & string,
): EncryptedColumn {
  return {
    table,
    keys: [id],
    column,
    map(text, row, visit) {
      const entries = Object.entries(JSON.parse(text) as Record<string, unknown>).map(([name, value]) => {
        const place = `${table}:${column}.${name}:${row[id] ?? ''}` as const;
        return [name, typeof value === 'string' ? visit(value, place) : value];
      });
      return JSON.stringify(Object.fromEntries(entries));
    },
  };
}
