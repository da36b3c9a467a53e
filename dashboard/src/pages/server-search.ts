import type { McpClientView } from '../../../src/contract/mcp-client.ts';
import { createLogSearch, MCP_LOG_FIELDS, type McpLogSearch } from './logs/search.ts';

/** What is looked for in the list of servers; all of it stands in the URL. */
export interface ServerFilter {
  readonly q?: string;
  readonly state?: string;
  readonly type?: string;
  readonly auth?: string;
  readonly sort?: string;
}

const FIELDS = ['q', 'state', 'type', 'auth', 'sort'] as const;

/** The filter in the URL; what it does not know is left out. */
export function readServerFilter(search: Readonly<Record<string, unknown>>): ServerFilter {
  const given = FIELDS.filter((field) => typeof search[field] === 'string' && search[field] !== '');
  return Object.fromEntries(given.map((field) => [field, search[field]]));
}

/** The servers that the filter lets through. The search also finds servers by their tools. */
export function filterServers(servers: readonly McpClientView[], filter: ServerFilter): readonly McpClientView[] {
  const words = (filter.q ?? '').toLowerCase().split(/\s+/).filter(Boolean);
  return servers.filter(({ config, state, tools }) => {
    if (filter.state !== undefined && filter.state !== state) return false;
    if (filter.type !== undefined && filter.type !== config.connection_type) return false;
    if (filter.auth !== undefined && filter.auth !== config.auth_type) return false;
    const searched = `${config.name} ${tools.map(({ name }) => name).join(' ')}`.toLowerCase();
    return words.every((word) => searched.includes(word));
  });
}

/** The views of a server's page. */
export const SERVER_TABS = ['tools', 'connection', 'credentials', 'access', 'health', 'logs'] as const;
export type ServerTab = (typeof SERVER_TABS)[number];

/** Whether a word of the URL names such a view. */
function isServerTab(value: unknown): value is ServerTab {
  return SERVER_TABS.some((tab) => tab === value);
}

/** What is looked at of a server: a view of it, and in that of its calls which of them. */
export type ServerSearch = McpLogSearch & { readonly tab?: ServerTab };

const readLogs = createLogSearch(MCP_LOG_FIELDS);

/** The view in the URL; what it does not know is left out. */
export function readServerSearch(search: Readonly<Record<string, unknown>>): ServerSearch {
  const { tab } = search;
  if (!isServerTab(tab)) return {};
  return tab === 'logs' ? { tab, ...readLogs(search) } : { tab };
}
