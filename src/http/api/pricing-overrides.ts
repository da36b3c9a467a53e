import { z } from 'zod';
import { PricingOverride, PricingOverrideCreate, PricingOverrideUpdate } from '../../contract/pricing-override.ts';
import type { PricingOverrides } from '../../governance/pricing-overrides.ts';
import { route } from '../route.ts';
import type { Route } from '../route.ts';

const One = z.object({ pricing_override: PricingOverride });
const Written = One.extend({ message: z.string() });
const PATH = '/api/governance/pricing-overrides';

/** `/api/governance/pricing-overrides`: what models cost by the operator's own word. */
export function pricingOverrideRoutes(overrides: PricingOverrides): readonly Route[] {
  return [
    route({
      method: 'get',
      path: PATH,
      summary: 'List pricing overrides',
      scope: 'read',
      response: z.object({ pricing_overrides: z.array(PricingOverride), count: z.int() }),
      async handle() {
        const pricing_overrides = await overrides.list();
        return { pricing_overrides, count: pricing_overrides.length };
      },
    }),
    route({
      method: 'get',
      path: `${PATH}/{id}`,
      summary: 'Get a pricing override',
      scope: 'read',
      response: One,
      handle: async ({ params }) => ({ pricing_override: await overrides.get(params.id) }),
    }),
    route({
      method: 'post',
      path: PATH,
      summary: 'Create a pricing override',
      description:
        'It counts from the next answer on, and beats the price sheet; the more exact of two beats the other.',
      scope: 'write',
      body: PricingOverrideCreate,
      response: Written,
      async handle({ body, actor }) {
        const pricing_override = await overrides.create(body, actor);
        return { message: 'Pricing override created successfully', pricing_override };
      },
    }),
    route({
      method: 'put',
      path: `${PATH}/{id}`,
      summary: 'Update a pricing override',
      description: 'What is absent stays.',
      scope: 'write',
      body: PricingOverrideUpdate,
      response: Written,
      async handle({ params, body, actor }) {
        const pricing_override = await overrides.update(params.id, body, actor);
        return { message: 'Pricing override updated successfully', pricing_override };
      },
    }),
    route({
      method: 'delete',
      path: `${PATH}/{id}`,
      summary: 'Delete a pricing override',
      scope: 'write',
      response: z.object({ message: z.string() }),
      async handle({ params, actor }) {
        await overrides.remove(params.id, actor);
        return { message: 'Pricing override deleted successfully' };
      },
    }),
  ];
}
