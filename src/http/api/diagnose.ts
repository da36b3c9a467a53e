import { Diagnosis } from '../../contract/diagnosis.ts';
import type { ClientRegistry } from '../../mcp/registry.ts';
import type { OAuth } from '../../mcp/oauth/oauth.ts';
import { route } from '../route.ts';
import type { Route } from '../route.ts';

interface Deps {
  readonly registry: Pick<ClientRegistry, 'get'>;
  readonly oauth: Pick<OAuth, 'diagnose'>;
}

/** `POST /api/mcp/client/{id}/diagnose`: where signing in to a server fails, step by step. */
export function diagnoseRoutes({ registry, oauth }: Deps): readonly Route[] {
  return [
    route({
      method: 'post',
      path: '/api/mcp/client/{id}/diagnose',
      summary: 'Diagnose the sign-in to an MCP client',
      description:
        'Asks the server and its authorization server afresh and adds what was recorded of the latest sign-in and refresh: each step with what was sent, what came back, the rule and what to do. Changes nothing, and shows no secret.',
      scope: 'read',
      response: Diagnosis,
      handle: ({ params }) => oauth.diagnose(registry.get(params.id).client),
    }),
  ];
}
