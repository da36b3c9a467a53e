import { z } from 'zod';

/**
 * What a management API key may do: read and write the management API, use `/mcp` and `/v1` as the operator, and (`admin`) say
 * who may do what: accounts, API keys, how people sign in.
 */
export const ApiKeyScope = z.enum(['read', 'write', 'mcp', 'admin']);
export type ApiKeyScope = z.infer<typeof ApiKeyScope>;

/** Body of `POST /api/api-keys`. */
export const ApiKeyCreate = z.object({
  name: z.string().trim().min(1, 'must not be empty').max(255),
  description: z.string().nullish(),
  scopes: z
    .array(ApiKeyScope)
    .min(1, 'must name at least one scope')
    .optional()
    .meta({ description: 'Default: read and write.' }),
  expires_at: z.iso.datetime({ offset: true }).nullish().meta({ description: 'RFC 3339; absent or null: never.' }),
});
export type ApiKeyCreate = z.infer<typeof ApiKeyCreate>;

export const ApiKeyView = z.object({
  id: z.int(),
  name: z.string(),
  key_prefix: z.string().meta({ description: 'First characters of the key, to recognise it.' }),
  description: z.string().nullable(),
  scopes: z.array(ApiKeyScope),
  created_by_user_id: z.string().nullable(),
  expires_at: z.string().nullable(),
  last_used_at: z.string().nullable(),
  created_at: z.string(),
  updated_at: z.string(),
});
export type ApiKeyView = z.infer<typeof ApiKeyView>;
