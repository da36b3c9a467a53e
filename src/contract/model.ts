import { z } from 'zod';

/** A model that a configured provider offers. */
export const FoundModel = z.object({
  name: z.string().meta({ description: 'As the provider names it; callers ask for "provider/name".' }),
  provider: z.string(),
  accessible_by_keys: z.array(z.string()).meta({
    description: "Ids of the provider's keys that may be used for it. Empty is also a provider that wants no key.",
  }),
});
export type FoundModel = z.infer<typeof FoundModel>;

/** Why models of a provider may be missing. */
export const ModelsProblem = z.object({
  provider: z.string(),
  key_id: z.string().optional().meta({ description: 'The key it was asked with; absent: none.' }),
  message: z.string(),
});
export type ModelsProblem = z.infer<typeof ModelsProblem>;

/** Answer of `GET /api/models`. */
export const FoundModels = z.object({
  models: z.array(FoundModel),
  total: z.int().meta({ description: 'All that match, also those beyond the limit.' }),
  problems: z.array(ModelsProblem).meta({ description: 'Providers whose lists could not be had, or not in time.' }),
});
export type FoundModels = z.infer<typeof FoundModels>;
