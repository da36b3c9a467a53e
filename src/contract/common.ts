import { z } from 'zod';

/** A value that may be secret, as it is sent: the text, `env.NAME`, or the object that read APIs show. */
export const SecretInput = z
  .union([
    z.string(),
    z.object({
      value: z.string().optional(),
      env_var: z.string().optional(),
      from_env: z.boolean().optional(),
      secret_ref: z.string().optional(),
      from_secret: z.boolean().optional(),
    }),
  ])
  .meta({
    description:
      'A literal, a reference "env.NAME" or "file.PATH", or {value, env_var, from_env, secret_ref}. A mask keeps what is stored.',
  });

/** A value that may be secret, as it is shown. */
export const SecretView = z.object({
  value: z
    .string()
    .meta({ description: 'Masked: first 4 characters, 24 stars, last 4; up to 8 characters are all stars.' }),
  env_var: z.string(),
  from_env: z.boolean(),
  secret_ref: z.string().optional(),
  from_secret: z.boolean().optional(),
});

/** A white list of names: `["*"]` everything, `[]` nothing, else exactly these. */
export const WhiteList = z.array(z.string()).superRefine((names, context) => {
  if (names.includes('*') && names.length > 1) {
    context.addIssue({ code: 'custom', message: '"*" means everything and must stand alone' });
  }
  const seen = new Set<string>();
  for (const [index, name] of names.entries()) {
    if (name.trim() === '') context.addIssue({ code: 'custom', path: [index], message: 'must not be empty' });
    if (seen.has(name)) context.addIssue({ code: 'custom', path: [index], message: `duplicate entry "${name}"` });
    seen.add(name);
  }
});

export const Success = z.object({
  status: z.literal('success'),
  message: z.string(),
  warnings: z
    .array(z.string())
    .optional()
    .meta({ description: 'What was sent but has no effect, for example unknown fields.' }),
});
export type Success = z.infer<typeof Success>;

/** The one error shape of the management and inference APIs. */
export const ErrorEnvelope = z.object({
  event_id: z.string().optional(),
  type: z.string().optional(),
  is_bifrost_error: z.boolean(),
  status_code: z.int(),
  error: z.object({
    message: z.string(),
    type: z.string().optional(),
    code: z.string().optional(),
    param: z.string().optional(),
  }),
  extra_fields: z.record(z.string(), z.unknown()),
});
export type ErrorEnvelope = z.infer<typeof ErrorEnvelope>;
