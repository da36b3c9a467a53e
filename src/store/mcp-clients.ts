import type { Insertable } from 'kysely';
import type { ApprovalBy, AuthType, ConnectionType, ProtocolEra } from '../contract/mcp-client.ts';
import type { ToolPrice } from '../contract/tool-price.ts';
import type { Encryption } from '../lib/encryption.ts';
import { GatewayError } from '../lib/errors.ts';
import { freeze } from '../lib/freeze.ts';
import type { Secret } from '../lib/secret.ts';
import { uniqueViolation } from './dialect.ts';
import type { Executor } from './schema.ts';
import type { McpClientTable } from './tables/servers.ts';
import { readTokenExchange, writeTokenExchange, type TokenExchange } from './token-exchange.ts';
import { secretColumns, type SecretColumns } from './secret-columns.ts';

/** What a stdio server is started with. */
export interface StdioConfig {
  readonly command: string;
  readonly args: readonly string[];
  /** Without a value: taken over from the gateway's environment. */
  readonly envs: readonly { readonly name: string; readonly value: Secret | undefined }[];
}

/** TLS of an http or sse server. */
export interface TlsConfig {
  readonly insecure_skip_verify: boolean;
  readonly ca_cert_pem: Secret;
  readonly client_cert_pem: Secret;
  readonly client_key_pem: Secret;
}

/** One registered MCP server, as it is stored. Frozen: a change makes a new one. */
export interface McpClient {
  readonly client_id: string;
  readonly name: string;
  readonly connection_type: ConnectionType;
  /** URL of an http or sse server; registered name of an inprocess one; empty for stdio. */
  readonly connection_string: Secret;
  readonly stdio_config: StdioConfig | undefined;
  readonly auth_type: AuthType;
  readonly oauth_config_id: string | undefined;
  readonly token_exchange: TokenExchange | undefined;
  readonly headers: Readonly<Record<string, Secret>>;
  readonly tools_to_execute: readonly string[];
  readonly tools_to_auto_execute: readonly string[];
  /** Tools of which each call waits for a person; ["*"] all. */
  readonly tools_to_approve: readonly string[];
  /** Who may be that person. */
  readonly approval_by: ApprovalBy;
  readonly tool_pricing: Readonly<Record<string, ToolPrice>>;
  readonly is_code_mode_client: boolean;
  readonly allow_on_all_virtual_keys: boolean;
  readonly per_user_header_keys: readonly string[];
  readonly disabled: boolean;
  readonly tls_config: TlsConfig | undefined;
  readonly protocol_era: ProtocolEra;
  readonly is_ping_available: boolean;
  /** Minutes; 0 the global setting, negative off. */
  readonly tool_sync_interval: number;
  /** Seconds; 0 the global setting. */
  readonly tool_execution_timeout: number;
  readonly allowed_extra_headers: readonly string[];
  /** Hash of the config.json entry this row was last written from; undefined when the file never named it. */
  readonly config_hash: string | undefined;
  /** Epoch milliseconds. */
  readonly created_at: number;
  readonly updated_at: number;
}

/** Something that a server lists: what it is known by, and its whole definition as the JSON text that the server sent. */
export interface Listed {
  /** The name of a tool or prompt, the URI of a resource, the URI template of a resource template. */
  readonly name: string;
  readonly json: string;
}

/** Everything a server offers, each list in the order of its names. */
export interface Offer {
  readonly tools: readonly Listed[];
  readonly prompts: readonly Listed[];
  readonly resources: readonly Listed[];
  readonly resourceTemplates: readonly Listed[];
}

/** What is known of a server from the last time it was reached. */
export interface Known {
  readonly offer: Offer;
  /** The era it spoke, and when that was found out (epoch milliseconds): a server may learn the newer one. */
  readonly era: 'legacy' | 'modern';
  readonly found_at: number;
}

/** The record was changed by another process after it was read. */
export class StaleRecord extends Error {}

/** The registered servers. */
export interface McpClientStore {
  /** The same store inside a transaction. */
  with(tx: Executor): McpClientStore;
  /** All of them, oldest first. */
  list(): Promise<McpClient[]>;
  find(client_id: string): Promise<McpClient | undefined>;
  insert(client: McpClient): Promise<void>;
  /**
   * Replaces every field but `client_id` and `created_at`. With `since`, the `updated_at` of the record that was changed, it throws
   * {@link StaleRecord} when another process has changed it meanwhile.
   */
  update(client: McpClient, since?: number): Promise<void>;
  /** False when there was none. */
  remove(client_id: string): Promise<boolean>;
  /** Keeps what a server offers, so that it is known before the server is reached again; undefined: not known any more. */
  saveKnown(client_id: string, known: Known | undefined): Promise<void>;
  findKnown(client_id: string): Promise<Known | undefined>;
  /** What is kept, by client_id, without the servers that were never listed. */
  loadKnown(): Promise<Map<string, Known>>;
}

/** Rows of mcp_clients in, entities out; secrets are encrypted on the way. */
export function createMcpClientStore(db: Executor, encryption: Encryption): McpClientStore {
  return {
    with: (tx) => createMcpClientStore(tx, encryption),

    async list() {
      const rows = await db.selectFrom('mcp_clients').selectAll().orderBy('created_at').orderBy('client_id').execute();
      return rows.map((row) => fromRow(row, encryption));
    },

    async find(client_id) {
      const query = db.selectFrom('mcp_clients').selectAll().where('client_id', '=', client_id);
      const row = await query.executeTakeFirst();
      return row === undefined ? undefined : fromRow(row, encryption);
    },

    async insert(client) {
      const query = db.insertInto('mcp_clients').values(toRow(client, encryption));
      await query.execute().catch((error: unknown) => refuseConflict(error, client));
    },

    async update(client, since) {
      const { client_id, created_at: _, ...fields } = toRow(client, encryption);
      const any = db.updateTable('mcp_clients').set(fields).where('client_id', '=', client_id);
      const query = since === undefined ? any : any.where('updated_at', '=', since);
      const [result] = await query.execute().catch((error: unknown) => refuseConflict(error, client));
      if (result?.numUpdatedRows !== 1n) {
        if (since !== undefined && (await this.find(client_id)) !== undefined) throw new StaleRecord();
        throw new GatewayError('mcp_client_not_found', `There is no MCP client with the id "${client_id}"`);
      }
    },

    async remove(client_id) {
      // No foreign keys lead here: a sign-in may come before the client that it is for.
      await db.deleteFrom('oauth_flows').where('client_id', '=', client_id).execute();
      await db.deleteFrom('oauth_tokens').where('client_id', '=', client_id).execute();
      await db.deleteFrom('oauth_configs').where('mcp_client_id', '=', client_id).execute();
      const result = await db.deleteFrom('mcp_clients').where('client_id', '=', client_id).executeTakeFirst();
      return result.numDeletedRows > 0n;
    },

    async saveKnown(client_id, known) {
      await db
        .updateTable('mcp_clients')
        .set({ known: known === undefined ? null : JSON.stringify(known) })
        .where('client_id', '=', client_id)
        .execute();
    },

    async findKnown(client_id) {
      const query = db.selectFrom('mcp_clients').select('known').where('client_id', '=', client_id);
      const { known } = (await query.executeTakeFirst()) ?? { known: null };
      return known === null ? undefined : (JSON.parse(known) as Known);
    },

    async loadKnown() {
      const query = db.selectFrom('mcp_clients').select(['client_id', 'known']).where('known', 'is not', null);
      const rows = await query.execute();
      return new Map(rows.map((row) => [row.client_id, readLater(row.known ?? '')]));
    },
  };
}

/** What is known of a thousand servers takes long to parse, and most of it is not needed at once. */
function readLater(text: string): Known {
  let unread: string | undefined = text;
  let read: Known | undefined;
  const known = (): Known => {
    read ??= JSON.parse(unread ?? '') as Known;
    unread = undefined;
    return read;
  };
  return {
    get offer() {
      return known().offer;
    },
    get era() {
      return known().era;
    },
    get found_at() {
      return known().found_at;
    },
  };
}

function refuseConflict(error: unknown, client: McpClient): never {
  const field = uniqueViolation(error);
  if (field !== 'name' && field !== 'client_id') throw error;
  const message = `An MCP client with the ${field} "${client[field]}" already exists`;
  throw new GatewayError('conflict', message, { cause: error, details: { field } });
}

function toRow(client: McpClient, encryption: Encryption): Insertable<McpClientTable> {
  const columns = secretColumns(encryption, 'mcp_clients', client.client_id);
  const { seal, sealAll } = columns;
  const { token_exchange } = client;
  return {
    client_id: client.client_id,
    name: client.name,
    connection_type: client.connection_type,
    connection_string: seal(client.connection_string, 'connection_string'),
    stdio_config: client.stdio_config === undefined ? null : writeStdio(client.stdio_config, seal),
    auth_type: client.auth_type,
    oauth_config_id: client.oauth_config_id ?? null,
    token_exchange: token_exchange === undefined ? null : writeTokenExchange(token_exchange, columns),
    headers: JSON.stringify(sealAll(client.headers, 'headers')),
    tools_to_execute: JSON.stringify(client.tools_to_execute),
    tools_to_auto_execute: JSON.stringify(client.tools_to_auto_execute),
    tools_to_approve: JSON.stringify(client.tools_to_approve),
    approval_by: client.approval_by,
    tool_pricing: JSON.stringify(client.tool_pricing),
    is_code_mode_client: Number(client.is_code_mode_client),
    allow_on_all_virtual_keys: Number(client.allow_on_all_virtual_keys),
    per_user_header_keys: JSON.stringify(client.per_user_header_keys),
    disabled: Number(client.disabled),
    tls_config: client.tls_config === undefined ? null : writeTls(client.tls_config, sealAll),
    protocol_era: client.protocol_era,
    is_ping_available: Number(client.is_ping_available),
    tool_sync_interval: client.tool_sync_interval,
    tool_execution_timeout: client.tool_execution_timeout,
    allowed_extra_headers: JSON.stringify(client.allowed_extra_headers),
    config_hash: client.config_hash ?? null,
    created_at: client.created_at,
    updated_at: client.updated_at,
  };
}

function fromRow(stored: McpClientTable, encryption: Encryption): McpClient {
  const { known: _, ...row } = stored;
  const columns = secretColumns(encryption, 'mcp_clients', row.client_id);
  const { open, openAll } = columns;
  return freeze({
    ...row,
    connection_type: row.connection_type as ConnectionType,
    connection_string: open(row.connection_string, 'connection_string'),
    stdio_config: row.stdio_config === null ? undefined : parseStdio(row.stdio_config, open),
    auth_type: row.auth_type as AuthType,
    oauth_config_id: row.oauth_config_id ?? undefined,
    token_exchange: row.token_exchange === null ? undefined : readTokenExchange(row.token_exchange, columns),
    headers: openAll(JSON.parse(row.headers) as Record<string, string>, 'headers'),
    tools_to_execute: JSON.parse(row.tools_to_execute) as string[],
    tools_to_auto_execute: JSON.parse(row.tools_to_auto_execute) as string[],
    tools_to_approve: JSON.parse(row.tools_to_approve) as string[],
    approval_by: row.approval_by as ApprovalBy,
    tool_pricing: JSON.parse(row.tool_pricing) as Record<string, ToolPrice>,
    is_code_mode_client: row.is_code_mode_client === 1,
    allow_on_all_virtual_keys: row.allow_on_all_virtual_keys === 1,
    per_user_header_keys: JSON.parse(row.per_user_header_keys) as string[],
    disabled: row.disabled === 1,
    tls_config: row.tls_config === null ? undefined : parseTls(row.tls_config, openAll),
    protocol_era: row.protocol_era as ProtocolEra,
    is_ping_available: row.is_ping_available === 1,
    allowed_extra_headers: JSON.parse(row.allowed_extra_headers) as string[],
    config_hash: row.config_hash ?? undefined,
  });
}

function writeStdio({ envs, ...rest }: StdioConfig, seal: SecretColumns['seal']): string {
  const sealed = envs.map(({ name, value }) => ({ name, value: value && seal(value, `stdio_config.${name}`) }));
  return JSON.stringify({ ...rest, envs: sealed });
}

function parseStdio(text: string, open: SecretColumns['open']): StdioConfig {
  const { envs, ...rest } = JSON.parse(text) as Omit<StdioConfig, 'envs'> & {
    envs: { name: string; value?: string }[];
  };
  const opened = envs.map(({ name, value }) => {
    return { name, value: value === undefined ? undefined : open(value, `stdio_config.${name}`) };
  });
  return { ...rest, envs: opened };
}

function writeTls({ insecure_skip_verify, ...pems }: TlsConfig, sealAll: SecretColumns['sealAll']): string {
  return JSON.stringify({ insecure_skip_verify, ...sealAll(pems, 'tls_config') });
}

function parseTls(text: string, openAll: SecretColumns['openAll']): TlsConfig {
  const { insecure_skip_verify, ...pems } = JSON.parse(text) as TlsConfig;
  return { insecure_skip_verify, ...openAll(pems as unknown as Record<string, string>, 'tls_config') } as TlsConfig;
}
