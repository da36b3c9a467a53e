import { z } from 'zod';

/** What was done. */
export const AuditAction = z.enum([
  'create',
  'update',
  'delete',
  'rotate',
  'reset',
  'reconnect',
  'refresh',
  'reauthorize',
  'login',
  'login_failed',
  'logout',
  'approve',
  'deny',
  'restore',
]);
export type AuditAction = z.infer<typeof AuditAction>;

/** What it was done to. */
export const AuditEntity = z.enum([
  'mcp_client',
  'virtual_key',
  'team',
  'customer',
  'budget',
  'budget_override',
  'rate_limit',
  'api_key',
  'user',
  'session',
  'auth_config',
  'settings',
  'mcp_logs',
  'llm_logs',
  'pricing_override',
  'oauth_config',
  'mcp_session',
  'oauth_session',
  'provider',
  'provider_key',
  'mcp_approval',
]);
export type AuditEntity = z.infer<typeof AuditEntity>;

/** The request behind an entry. */
export const AuditRequest = z.object({
  method: z.string(),
  path: z.string(),
  request_id: z.string().optional().meta({ description: 'The header x-request-id, as the caller sent it.' }),
  ip: z.string().optional().meta({ description: 'The address of the other end of the connection.' }),
});
export type AuditRequest = z.infer<typeof AuditRequest>;

/** One management write: who did what to what. */
export const AuditLog = z.object({
  id: z.int().meta({ description: 'Counts up from 1 without gaps.' }),
  at: z.string().meta({ description: 'RFC 3339.' }),
  actor: z.string().meta({
    description: 'Stable id of who did it: "api-key:3", "config.json", or "gateway" for what it does by itself.',
  }),
  actor_name: z.string(),
  action: z.string(),
  entity: z.string(),
  entity_id: z.string(),
  entity_name: z.string(),
  before: z
    .unknown()
    .meta({ description: 'As read APIs showed it before, secrets masked; null when there is nothing.' }),
  after: z.unknown().meta({ description: 'As read APIs showed it after, secrets masked; null when there is nothing.' }),
  request: AuditRequest.nullable().meta({ description: 'null when no request was behind it, as at the start.' }),
  previous_hash: z.string(),
  hash: z.string().meta({ description: 'HMAC-SHA-256 over the previous hash and all other fields.' }),
});
export type AuditLog = z.infer<typeof AuditLog>;

/** Whether the chain of entries holds. */
export const AuditVerdict = z.object({
  is_intact: z.boolean(),
  entries: z.int().meta({ description: 'Entries that were checked, up to the first broken one.' }),
  head: z.string().meta({ description: 'Hash of the newest entry that holds. Noted elsewhere, it anchors the trail.' }),
  first_broken_id: z.int().optional(),
  reason: z.string().optional(),
});
export type AuditVerdict = z.infer<typeof AuditVerdict>;
