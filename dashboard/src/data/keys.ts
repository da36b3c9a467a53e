/** Every query key of the dashboard. A page takes its keys from here, so that a change in one place refreshes the others. */
export const keys = {
  authStatus: ['auth-status'],
  me: ['me'],
  version: ['version'],
  servers: ['servers'],
  server: (id: string) => ['servers', id],
  virtualKeys: ['virtual-keys'],
  virtualKey: (id: string) => ['virtual-keys', id],
  owners: ['owners'],
  sessions: ['sessions'],
  approvals: ['approvals'],
  providers: ['providers'],
  settings: ['settings'],
  apiKeys: ['api-keys'],
  users: ['users'],
  clientSignIns: ['client-sign-ins'],
  audit: ['audit'],
  mcpLogs: ['mcp-logs'],
  /** What `/mcp` offers, by whom and of which server. */
  offers: (as: string, server: string) => ['offers', as, server],
} as const;

/** What the live feed says changed (a table of the store), and which queries show it. */
export const KEYS_OF_TABLE: Readonly<Record<string, readonly (readonly string[])[]>> = {
  mcp_clients: [keys.servers, keys.audit, ['offers']],
  grants: [keys.servers, keys.virtualKeys, keys.audit, ['offers']],
  virtual_keys: [keys.virtualKeys, keys.servers, keys.audit],
  provider_configs: [keys.virtualKeys],
  budgets: [keys.virtualKeys, keys.owners],
  rate_limits: [keys.virtualKeys, keys.owners],
  customers: [keys.owners, keys.virtualKeys],
  teams: [keys.owners, keys.virtualKeys],
  settings: [keys.settings, keys.audit],
  api_keys: [keys.apiKeys, keys.audit],
  users: [keys.users, keys.me, keys.audit],
  providers: [keys.providers, keys.audit],
  provider_keys: [keys.providers, keys.audit],
  oauth_configs: [keys.servers],
  oauth_tokens: [keys.servers, keys.sessions],
  oauth_sessions: [keys.sessions, keys.clientSignIns],
  header_credentials: [keys.sessions],
  mcp_approvals: [keys.approvals],
};
