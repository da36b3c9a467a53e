import { z } from 'zod';
import { AuthType } from './mcp-client.ts';
import { OAuthTraceStep } from './oauth.ts';

/** One step of signing in to a server, and how it went. No secret is in it. */
export const DiagnosisStep = OAuthTraceStep.extend({
  source: z.enum(['now', 'recorded']).meta({
    description: 'now: asked for this diagnosis. recorded: of the latest sign-in or refresh.',
  }),
  ok: z.boolean().meta({ description: 'False for a failure only: a step that was skipped is fine.' }),
});
export type DiagnosisStep = z.infer<typeof DiagnosisStep>;

const DiagnosedToken = z.object({
  status: z.enum(['active', 'needs_reauth', 'orphaned', 'expired']),
  status_reason: z.string().optional(),
  scopes: z.array(z.string()),
  wanted_scopes: z.array(z.string()).meta({ description: 'What calls lacked; asked for at the next sign-in.' }),
  is_renewable: z.boolean().meta({ description: 'A refresh needs nobody.' }),
  expires_at: z.string().optional(),
  last_refreshed_at: z.string().optional(),
});

/** Answer of `POST /api/mcp/client/{id}/diagnose`. */
export const Diagnosis = z.object({
  mcp_client_id: z.string(),
  mcp_client_name: z.string(),
  auth_type: AuthType,
  is_ok: z.boolean().meta({ description: 'No step failed.' }),
  verdict: z.string().meta({ description: 'The outcome in a sentence.' }),
  steps: z.array(DiagnosisStep),
  token: DiagnosedToken.nullable().meta({
    description: 'State of the shared token, or of the one that tools are listed with. Its value is never shown.',
  }),
});
export type Diagnosis = z.infer<typeof Diagnosis>;
