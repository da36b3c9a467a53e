import { z } from 'zod';
import { objectOf } from '../../lib/json-value.ts';
import { AuthType, ConnectionType } from '../../contract/mcp-client.ts';
import type { McpClientList, McpClientView } from '../../contract/mcp-client.ts';
import { clientView } from '../../mcp/client-config.ts';
import type { RegisteredClient } from '../../mcp/registry.ts';
import type { Listed } from '../../store/mcp-clients.ts';
import { PAGING, commaList, flag, pageOf } from '../query.ts';

/** The parameters of `GET /api/mcp/clients`: OR inside one parameter, AND between them. */
export const ClientFilter = z.object({
  ...PAGING,
  server: z.string().optional().meta({ description: 'Exact client_id.' }),
  connection_type: commaList('Comma list.', ConnectionType.options),
  auth_type: commaList('Comma list.', AuthType.options),
  state: commaList(
    'Comma list; unstable is everything that is not healthy. connected and disconnected are older words.',
    ['healthy', 'unstable', 'connected', 'disconnected'],
  ),
  code_mode: flag('Offered through code mode.'),
  disabled: flag('Switched off.'),
  virtual_keys: commaList('Comma list of virtual key ids: servers assigned to any of them.'),
  all_virtual_keys: flag('Older spelling of allowed_by_default.'),
  allowed_by_default: flag('Open to all virtual keys. Together with virtual_keys: either.'),
});
export type ClientFilter = z.output<typeof ClientFilter>;

/** Gives the name of a virtual key. */
export type NameOfKey = (virtualKey: string) => string;

/** One page of the registered servers that match, or all of them. */
export function listClients(
  clients: readonly RegisteredClient[],
  filter: ClientFilter,
  nameOfKey: NameOfKey,
): McpClientList {
  const found = clients.filter((client) => matches(client, filter));
  const page = pageOf(filter);
  const shown = page === undefined ? found : found.slice(page.offset, page.offset + page.limit);
  return {
    clients: shown.map((client) => viewClient(client, nameOfKey)),
    count: shown.length,
    total_count: found.length,
    limit: page?.limit ?? shown.length,
    offset: page?.offset ?? 0,
  };
}

/** One registered server as read APIs show it. */
export function viewClient(
  { client, grants, state, tools, lastFailure }: RegisteredClient,
  nameOfKey: NameOfKey,
): McpClientView {
  return {
    config: clientView(client),
    tools: tools.map(viewTool).toSorted((a, b) => (a.name < b.name ? -1 : 1)),
    state,
    vk_configs: [...grants].map(([virtual_key_id, tools_to_execute]) => ({
      virtual_key_id,
      virtual_key_name: nameOfKey(virtual_key_id),
      tools_to_execute: [...tools_to_execute],
    })),
    ...(lastFailure === undefined ? {} : { last_failure: lastFailure }),
  };
}

function matches({ client, grants, state }: RegisteredClient, filter: ClientFilter): boolean {
  const search = filter.search?.toLowerCase();
  return (
    (search === undefined || client.name.toLowerCase().includes(search)) &&
    (filter.server === undefined || filter.server === client.client_id) &&
    isListed(filter.connection_type, client.connection_type) &&
    isListed(filter.auth_type, client.auth_type) &&
    isHealthListed(filter.state, state === 'connected') &&
    (filter.code_mode === undefined || filter.code_mode === client.is_code_mode_client) &&
    (filter.disabled === undefined || filter.disabled === client.disabled) &&
    isAssigned(filter, grants, client.allow_on_all_virtual_keys)
  );
}

function isListed<T>(list: readonly T[] | undefined, value: T): boolean {
  return list === undefined || list.length === 0 || list.includes(value);
}

function isHealthListed(words: ClientFilter['state'], isHealthy: boolean): boolean {
  const accepted = isHealthy ? ['healthy', 'connected'] : ['unstable', 'disconnected'];
  return words === undefined || words.length === 0 || words.some((word) => accepted.includes(word));
}

function isAssigned(filter: ClientFilter, grants: RegisteredClient['grants'], isOpenToAll: boolean): boolean {
  const wanted = filter.allowed_by_default ?? filter.all_virtual_keys;
  const keys = filter.virtual_keys ?? [];
  if (keys.length === 0) return wanted === undefined || wanted === isOpenToAll;
  return keys.some((key) => grants.has(key)) || (wanted === true && isOpenToAll);
}

function viewTool({ name, json }: Listed): McpClientView['tools'][number] {
  // Text that the server sent and that was checked to be a JSON object when it was listed.
  const definition = JSON.parse(json) as { description?: unknown; inputSchema?: unknown };
  const schema = objectOf(definition.inputSchema);
  return {
    name,
    ...(typeof definition.description === 'string' ? { description: definition.description } : {}),
    parameters: {
      ...schema,
      type: schema.type ?? 'object',
      properties: objectOf(schema.properties),
    },
  };
}
