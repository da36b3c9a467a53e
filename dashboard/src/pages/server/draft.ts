import type { z } from 'zod';
import type { SecretView } from '../../../../src/contract/common.ts';
import type { McpClientUpdate, McpClientView } from '../../../../src/contract/mcp-client.ts';
import type { Form } from '../../ui/form.ts';
import type { ServerTab } from '../server-search.ts';

type View = McpClientView['config'];

/** A server as it is edited: every field that PUT takes, in the units in which it takes them. */
export interface ServerDraft extends Pick<
  View,
  | 'name'
  | 'connection_type'
  | 'auth_type'
  | 'is_code_mode_client'
  | 'tools_to_execute'
  | 'tools_to_auto_execute'
  | 'tools_to_approve'
  | 'approval_by'
  | 'tool_pricing'
  | 'allow_on_all_virtual_keys'
  | 'per_user_header_keys'
  | 'disabled'
  | 'protocol_era'
  | 'is_ping_available'
  | 'allowed_extra_headers'
> {
  readonly connection_string: string;
  readonly stdio_config: { readonly command: string; readonly args: string[]; readonly envs: string[] };
  readonly headers: Readonly<Record<string, string>>;
  readonly oauth_config_id: string;
  /** Nothing stored: it says how to sign in anew. */
  readonly oauth_config: Readonly<Record<string, unknown>> | undefined;
  readonly token_exchange: Readonly<Record<string, unknown>> | undefined;
  /** Nothing stored: values of the headers that each user supplies, to list the tools once. */
  readonly user_headers: Readonly<Record<string, string>>;
  /** Nothing stored: a token that is exchanged to list the tools once. */
  readonly subject_token: string;
  readonly tls_config: TlsDraft;
  /** Minutes; reads show nanoseconds. */
  readonly tool_sync_interval: number;
  /** Seconds; reads show nanoseconds. */
  readonly tool_execution_timeout: number;
  readonly vk_configs: readonly { readonly virtual_key_id: string; readonly tools_to_execute: string[] }[];
}

/** TLS as it is edited. */
export interface TlsDraft {
  readonly insecure_skip_verify: boolean;
  readonly ca_cert_pem: string;
  readonly client_cert_pem: string;
  readonly client_key_pem: string;
}

/** What every part of the page gets. */
export interface TabProps {
  readonly server: McpClientView;
  readonly form: Form<ServerDraft>;
  /** The person may only look. */
  readonly isDisabled: boolean;
}

const NS_PER_SECOND = 1e9;

/** Which fields are on which view, so that an error leads to the right one. */
export const FIELDS_OF_TAB: Readonly<Record<ServerTab, readonly (keyof ServerDraft)[]>> = {
  tools: ['tools_to_execute', 'tools_to_auto_execute', 'tools_to_approve', 'approval_by', 'tool_pricing'],
  connection: [
    'name',
    'disabled',
    'is_code_mode_client',
    'connection_type',
    'connection_string',
    'stdio_config',
    'tls_config',
    'protocol_era',
    'is_ping_available',
    'tool_sync_interval',
    'tool_execution_timeout',
  ],
  credentials: [
    'auth_type',
    'headers',
    'per_user_header_keys',
    'oauth_config_id',
    'oauth_config',
    'token_exchange',
    'user_headers',
    'subject_token',
    'allowed_extra_headers',
  ],
  access: ['allow_on_all_virtual_keys', 'vk_configs'],
  health: [],
  logs: [],
};

/** The stored server as a draft. */
export function draftOf({ config, vk_configs }: McpClientView): ServerDraft {
  const { stdio_config, tls_config } = config;
  return {
    ...config,
    connection_string: secretText(config.connection_string),
    stdio_config: stdio_config ?? { command: '', args: [], envs: [] },
    headers: Object.fromEntries(Object.entries(config.headers).map(([name, value]) => [name, secretText(value)])),
    oauth_config_id: config.oauth_config_id ?? '',
    oauth_config: undefined,
    token_exchange: config.token_exchange && { ...config.token_exchange },
    user_headers: {},
    subject_token: '',
    tls_config: {
      insecure_skip_verify: tls_config?.insecure_skip_verify ?? false,
      ca_cert_pem: secretText(tls_config?.ca_cert_pem),
      client_cert_pem: secretText(tls_config?.client_cert_pem),
      client_key_pem: secretText(tls_config?.client_key_pem),
    },
    tool_sync_interval: config.tool_sync_interval / NS_PER_SECOND / 60,
    tool_execution_timeout: config.tool_execution_timeout / NS_PER_SECOND,
    vk_configs: vk_configs.map(({ virtual_key_id, tools_to_execute }) => ({ virtual_key_id, tools_to_execute })),
  };
}

/** The changed fields as PUT takes them. A mask that was left alone keeps the secret behind it. */
export function toUpdate(changes: Partial<ServerDraft>): McpClientUpdate {
  const { tls_config, ...others } = changes;
  const update = { ...others } as McpClientUpdate; // readonly lists are lists
  if (tls_config === undefined) return update;
  const { insecure_skip_verify, ...texts } = tls_config;
  const given = Object.entries(texts).filter(([, text]) => text !== '');
  return {
    ...update,
    tls_config: { ...(insecure_skip_verify ? { insecure_skip_verify } : {}), ...Object.fromEntries(given) },
  };
}

/** A secret as it is typed: its reference, or the mask of what is stored. */
export function secretText(view: z.infer<typeof SecretView> | undefined): string {
  if (view === undefined) return '';
  if (view.secret_ref !== undefined && view.secret_ref !== '') return view.secret_ref;
  return view.from_env ? view.env_var : view.value;
}
