import { z } from 'zod';
import { Explanation } from '../../contract/explain.ts';
import { createToolFilter } from '../../governance/access.ts';
import type { Policy } from '../../governance/policy.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { Question } from '../../mcp/explain.ts';
import { commaList } from '../query.ts';
import { route } from '../route.ts';
import type { Route } from '../route.ts';

interface Deps {
  readonly explain: (question: Question) => Explanation;
  readonly policy: Pick<Policy, 'find' | 'findByName'>;
}

const ExplainQuery = z.object({
  tool: z.string().meta({ description: 'The name that callers see, such as github-create_issue.' }),
  virtual_key: z.string().optional().meta({ description: 'Id or name of a virtual key; absent: an operator.' }),
  include_clients: commaList('As the header x-bf-mcp-include-clients.'),
  include_tools: commaList('As the header x-bf-mcp-include-tools.'),
});

/** `GET /api/mcp/explain`: why a virtual key can or cannot see and call a tool, rule by rule. */
export function explainRoutes({ explain, policy }: Deps): readonly Route[] {
  return [
    route({
      method: 'get',
      path: '/api/mcp/explain',
      summary: 'Explain the rights to a tool',
      description: 'Each rule that shows, hides, denies or prices a tool for a virtual key. Calls nothing.',
      scope: 'read',
      query: ExplainQuery,
      response: Explanation,
      handle({ query: { tool, virtual_key, ...include }, request }) {
        // Elsewhere an empty parameter counts as absent. Here that would answer for somebody else, or for a wider request.
        const { searchParams } = new URL(request.url);
        const isGiven = (name: string): boolean => searchParams.has(name);
        if (virtual_key === undefined && isGiven('virtual_key'))
          throw new GatewayError('invalid_request', 'virtual_key: must not be empty; without it an operator is meant');
        const clients = include.include_clients ?? (isGiven('include_clients') ? [] : undefined);
        const tools = include.include_tools ?? (isGiven('include_tools') ? [] : undefined);
        const key =
          virtual_key === undefined ? undefined : (policy.find(virtual_key) ?? policy.findByName(virtual_key));
        if (virtual_key !== undefined && key === undefined)
          throw new GatewayError('not_found', `virtual_key: there is none with the id or name "${virtual_key}"`);
        const isFiltered = clients !== undefined || tools !== undefined;
        const filter = isFiltered ? createToolFilter(clients, tools) : undefined;
        return explain({ tool, key, filter });
      },
    }),
  ];
}
