import { McpClientHealth } from '../../contract/mcp-client.ts';
import type { ClientRegistry } from '../../mcp/registry.ts';
import { route } from '../route.ts';
import type { Route } from '../route.ts';

/** `/api/mcp/client/{id}/health`: where a server stood, and why. */
export function clientHealthRoutes(registry: Pick<ClientRegistry, 'get' | 'health'>): readonly Route[] {
  return [
    route({
      method: 'get',
      path: '/api/mcp/client/{id}/health',
      summary: 'Get the health history of an MCP client',
      description:
        'States with their reasons, the newest first. They are kept in the memory of the process that answers: it knows ' +
        'nothing of before it started, and nothing of what other nodes saw.',
      scope: 'read',
      response: McpClientHealth,
      handle({ params }) {
        const { client, state } = registry.get(params.id);
        const { keptSince, list } = registry.health(params.id);
        return { client_id: client.client_id, state, kept_since: keptSince, history: [...list()] };
      },
    }),
  ];
}
