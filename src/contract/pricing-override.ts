import { z } from 'zod';

const MAX_NAME = 255;
/** No model costs so much; it is more likely a price per token too many. */
const MAX_USD = 1_000_000;

const usd = z.number('must be a number').min(0, 'must not be negative').max(MAX_USD, `must be at most ${MAX_USD}`);
const name = z
  .string('must be a text')
  .trim()
  .min(1, 'must not be empty')
  .max(MAX_NAME, `must be at most ${MAX_NAME} characters`);

const prices = {
  input: usd.meta({ description: 'What goes in.' }),
  output: usd.meta({ description: 'What comes out.' }),
  cache_read: usd
    .optional()
    .meta({ description: 'What was read from the cache of the provider; `input` unless said.' }),
  cache_write: usd.optional().meta({ description: 'What went into that cache; `input` unless said.' }),
};
const Prices = z.strictObject(prices, { error: fault('prices in USD per million tokens', prices) });

const fields = {
  name,
  scope_kind: z.enum(['global', 'provider'], 'must be global or provider'),
  provider_id: name.optional().meta({ description: 'Name of the provider; with the scope `provider` only.' }),
  match_type: z
    .enum(['exact', 'wildcard'], 'must be exact or wildcard')
    .meta({ description: '`wildcard`: a * in the pattern stands for any text.' }),
  pattern: name.meta({ description: 'The model, as the provider names it.' }),
  patch: Prices.meta({ description: 'USD per million tokens.' }),
};

/** Body of `POST /api/governance/pricing-overrides`. */
export const PricingOverrideCreate = z.strictObject(
  {
    ...fields,
    scope_kind: fields.scope_kind.default('global'),
    match_type: fields.match_type.default('exact'),
  },
  { error: fault('a price', fields) },
);
export type PricingOverrideCreate = z.output<typeof PricingOverrideCreate>;

/** Body of `PUT …/{id}`: what is absent stays. What only reads show may be sent back. */
export const PricingOverrideUpdate = z.strictObject({
  ...z.object(fields).partial().shape,
  id: z.string().optional(),
  created_at: z.string().optional(),
  updated_at: z.string().optional(),
});
export type PricingOverrideUpdate = z.output<typeof PricingOverrideUpdate>;

/** What a model costs by the operator's own word. */
export const PricingOverride = z.object({
  id: z.string(),
  ...fields,
  created_at: z.string(),
  updated_at: z.string(),
});
export type PricingOverride = z.infer<typeof PricingOverride>;

/** Says of what is not that, or has more fields, what there is to be said: a price that is not understood would be a wrong one. */
function fault(what: string, shape: object) {
  const known = Object.keys(shape).join(', ');
  return (issue: z.core.$ZodRawIssue): string | undefined => {
    if (issue.code === 'invalid_type') return `must be an object: ${what}, with the fields ${known}`;
    if (issue.code !== 'unrecognized_keys') return undefined;
    const names = issue.keys.map((key) => JSON.stringify(key)).join(', ');
    return `must not have ${names}, which would have no effect: the fields are ${known}`;
  };
}
