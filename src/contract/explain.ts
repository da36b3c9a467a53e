import { z } from 'zod';

/** One rule that was asked about a tool, and what it said. */
export const Verdict = z.object({
  rule: z.string().meta({ description: 'Which rule, such as virtual_key_grant or budget.' }),
  effect: z.enum(['shows', 'hides', 'allows', 'denies', 'waits', 'prices']),
  message: z.string(),
});
export type Verdict = z.infer<typeof Verdict>;

/** Answer of `GET /api/mcp/explain`. */
export const Explanation = z.object({
  tool: z.string(),
  mcp_client_name: z.string().nullable(),
  virtual_key: z.object({ id: z.string(), name: z.string() }).nullable(),
  is_visible: z.boolean().meta({ description: 'tools/list shows it.' }),
  is_callable: z
    .boolean()
    .meta({ description: 'A call right now would reach the server, perhaps once a person approves it.' }),
  price: z.number().meta({ description: 'USD of a call, as far as it is known before the call.' }),
  verdicts: z.array(Verdict),
});
export type Explanation = z.infer<typeof Explanation>;
