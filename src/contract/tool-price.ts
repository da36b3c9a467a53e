import { z } from 'zod';

/** The gateway counts in nano-dollars: less than one would count as nothing. */
const usd = z
  .number()
  .min(0, 'must not be negative')
  .max(1_000_000, 'must be at most 1000000')
  .refine((value) => value <= 0 || value >= 1e-9, 'must be 0 or at least 0.000000001, one nano-dollar');

/** What a successful call of a tool costs: one sum in USD, or a sum of parts. */
export const ToolPrice = z.union([
  usd,
  z.strictObject({
    base: usd.optional().meta({ description: 'USD for each call.' }),
    per_argument: z
      .record(z.string().min(1, 'must not be empty'), usd)
      .optional()
      .meta({ description: 'USD per unit of a numeric argument, by its name, such as {"pages": 0.01}.' }),
    per_argument_kb: usd.optional().meta({ description: 'USD per 1,024 bytes of the arguments as JSON.' }),
    per_result_kb: usd.optional().meta({ description: 'USD per 1,024 bytes of the result as JSON.' }),
  }),
]);
export type ToolPrice = z.infer<typeof ToolPrice>;
