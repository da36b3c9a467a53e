import type { McpConfigInput } from '../contract/governance.ts';
import type { Grant } from '../store/grants.ts';
import { invalid } from './limit-rules.ts';

/** A registered server, by its two names. */
export interface ClientName {
  readonly client_id: string;
  readonly name: string;
}

/** A grant before it is stored. */
export type NewGrant = Omit<Grant, 'id' | 'virtual_key_id'>;

/** What a key may call after a write. A list replaces; what an entry of a known server leaves out stays as it was. */
export function applyGrants(
  stored: readonly Grant[],
  entries: readonly McpConfigInput[] | null,
  { clients, isNew }: { clients: readonly ClientName[]; isNew: boolean },
): NewGrant[] {
  const seen = new Set<string>();
  return (entries ?? []).map((entry, index) => {
    const place = `mcp_configs[${index}]`;
    const { client_id, name } = findClient(entry, clients, place);
    if (seen.has(client_id)) throw invalid(`${place}.mcp_client_name`, `duplicate mcp_client_name: ${name}`);
    seen.add(client_id);
    if (entry.id !== undefined && !isNew && !stored.some((grant) => grant.id === entry.id)) {
      throw invalid(`${place}.id`, `there is no entry ${entry.id} here`);
    }
    const known = stored.find((grant) => grant.client_id === client_id);
    const tools = entry.tools_to_execute === undefined ? known?.tools_to_execute : entry.tools_to_execute;
    return { client_id, tools_to_execute: tools ?? [] };
  });
}

/** By its id, as reads show it, or by its name. A stale name beside the id is what a server was called before. */
function findClient(entry: McpConfigInput, clients: readonly ClientName[], place: string): ClientName {
  const { mcp_client_name: name, mcp_client: embedded } = entry;
  const id = embedded?.client_id;
  const byName = name === undefined ? undefined : clients.find((client) => client.name === name);
  if (id === undefined) {
    if (byName !== undefined) return byName;
    if (name === undefined) throw invalid(`${place}.mcp_client_name`, 'is required');
    throw invalid(`${place}.mcp_client_name`, `there is no MCP client "${name}"`);
  }
  const byId = clients.find((client) => client.client_id === id);
  if (byId === undefined) throw invalid(`${place}.mcp_client.client_id`, `there is no MCP client "${id}"`);
  if (byName !== undefined && byName !== byId) {
    throw invalid(`${place}.mcp_client_name`, `"${name}" and mcp_client.client_id name two MCP clients`);
  }
  return byId;
}
