import { z } from 'zod';

/** What a caller has to do before a call can run: `extra_fields.mcp_auth_required` of the error. */
export const McpAuthRequired = z.object({
  kind: z.enum(['oauth', 'headers', 'exchange']),
  mcp_client_id: z.string(),
  mcp_client_name: z.string(),
  message: z.string().meta({ description: 'For people; it has the link in it.' }),
  authorize_url: z.string().optional(),
  session_id: z.string().optional().meta({ description: 'The id of the flow.' }),
  submit_url: z.string().optional(),
  required_header_keys: z.array(z.string()).optional(),
  admin_header_keys: z.array(z.string()).optional().meta({ description: 'Headers that come from the registration.' }),
  subject_token_missing: z.boolean().optional(),
  exchange_error: z.string().optional(),
});
export type McpAuthRequired = z.infer<typeof McpAuthRequired>;

/** Whose a credential is. */
export const AuthMode = z.enum(['user', 'vk', 'session']);

const Named = z.object({ id: z.string(), name: z.string() });
const Server = z.object({ client_id: z.string(), name: z.string() });

/** Who has, or is to have, a credential. */
const holder = {
  user_id: z.string().optional(),
  user: Named.optional(),
  virtual_key: Named.optional(),
  session_id: z.string().optional().meta({ description: 'Masked: whoever knows it uses its credentials.' }),
  label: z.string().meta({ description: 'Tells two accounts of one identity on one server apart.' }),
  mcp_client: Server,
};

/** A credential of one caller for one server, or what waits to become one. Never with a value. */
export const McpSession = z.object({
  id: z.string(),
  kind: z.enum(['token', 'header', 'flow']),
  auth_kind: z.enum(['oauth', 'headers']),
  auth_mode: AuthMode,
  ...holder,
  status: z.string().meta({
    description:
      'Tokens: active, needs_reauth, orphaned, expired. Headers: active, needs_update, orphaned. Flows: pending, authorized, failed, expired.',
  }),
  expires_at: z.string().optional(),
  created_at: z.string(),
  last_refreshed_at: z.string().optional(),
  updated_at: z.string().optional(),
  oauth_config_id: z.string().optional(),
  can_reauth: z.boolean(),
});
export type McpSession = z.infer<typeof McpSession>;

export const McpSessionList = z.object({
  sessions: z.array(McpSession),
  count: z.int(),
  total_count: z.int(),
  limit: z.int(),
  offset: z.int(),
});
export type McpSessionList = z.infer<typeof McpSessionList>;

/** Where to go to renew a credential. */
export const McpReauth = z.object({
  kind: z.enum(['oauth', 'headers']),
  session_id: z.string().meta({ description: 'The id of the new flow.' }),
  authorize_url: z.string(),
  submit_url: z.string().optional(),
});
export type McpReauth = z.infer<typeof McpReauth>;

/** A form on which header values are entered: what it asks for, never what was entered. */
export const HeaderFlowView = z.object({
  id: z.string(),
  flow_mode: AuthMode,
  status: z.enum(['pending', 'authorized', 'failed', 'expired']),
  ...holder,
  required_header_keys: z.array(z.string()),
  admin_header_keys: z.array(z.string()).meta({ description: 'Headers that come from the registration.' }),
  submitted_keys: z.array(z.string()).meta({ description: 'Stored from before; they may be left out.' }),
  has_active_credential: z.boolean(),
  expires_at: z.string(),
  created_at: z.string(),
});
export type HeaderFlowView = z.infer<typeof HeaderFlowView>;

/** A sign-in that a link leads to. */
export const OAuthFlowView = z.object({
  id: z.string(),
  flow_mode: AuthMode,
  status: z.enum(['pending', 'authorized', 'failed', 'expired']),
  ...holder,
  oauth_config_id: z.string().optional(),
  has_active_token: z.boolean(),
  expires_at: z.string(),
  created_at: z.string(),
});
export type OAuthFlowView = z.infer<typeof OAuthFlowView>;

export const OAuthFlowStart = z.object({ authorize_url: z.string() });

/** Body of `PUT /api/mcp/per-user-headers/flows/{id}`. */
export const HeaderEntry = z.looseObject({
  headers: z.record(z.string(), z.string()),
  label: z.string().optional().meta({ description: 'Keeps the values as another account of the same identity.' }),
});
export type HeaderEntry = z.infer<typeof HeaderEntry>;

export const HeaderEntered = z.object({
  status: z.literal('authorized'),
  credential_id: z.string(),
  label: z.string(),
  updated_at: z.string(),
});
export type HeaderEntered = z.infer<typeof HeaderEntered>;
