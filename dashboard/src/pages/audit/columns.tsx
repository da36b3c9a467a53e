import type { AuditAction, AuditEntity } from '../../../../src/contract/audit.ts';
import type { AuditEntry } from '../../data/audit.ts';
import type { Column } from '../../ui/table.tsx';
import { MomentCell } from '../logs/columns.tsx';
import { timeText } from '../server-words.tsx';

/** What can be done, in words. */
export const ACTIONS: Readonly<Record<AuditAction, string>> = {
  ...{ create: 'create', update: 'update', delete: 'delete', rotate: 'rotate', reset: 'reset' },
  ...{ reconnect: 'reconnect', refresh: 'refresh', reauthorize: 'reauthorize', login: 'sign in' },
  ...{ login_failed: 'failed sign-in', logout: 'sign out', approve: 'approve', deny: 'deny' },
  restore: 'restore',
};

/** What it can be done to, in words. */
export const ENTITIES: Readonly<Record<AuditEntity, string>> = {
  ...{ mcp_client: 'MCP server', virtual_key: 'virtual key', team: 'team', customer: 'customer', budget: 'budget' },
  ...{ budget_override: 'budget for a time', rate_limit: 'rate limit', api_key: 'API key', user: 'account' },
  ...{ session: 'session', auth_config: 'sign-in of accounts', settings: 'settings', mcp_logs: 'MCP logs' },
  ...{ llm_logs: 'LLM logs', pricing_override: 'model price', oauth_config: 'OAuth configuration' },
  ...{ mcp_session: 'credential', oauth_session: 'sign-in of a client', provider: 'provider' },
  ...{ provider_key: 'provider key', mcp_approval: 'approval' },
};

/** The columns of changes: when, who, what. */
export const AUDIT_COLUMNS: Readonly<Record<'at' | 'actor' | 'action' | 'entity' | 'name', Column<AuditEntry>>> = {
  at: {
    id: 'at',
    title: 'Time',
    width: 'w-24 lg:w-50',
    cell: ({ at }) => <MomentCell at={at} short={timeText(at)} />,
  },
  actor: { id: 'actor', title: 'Who', width: 'w-20 lg:w-40', cell: ({ actor_name }) => actor_name },
  action: {
    id: 'action',
    title: 'Did',
    width: 'w-20 lg:w-32',
    cell: ({ action }) => ACTIONS[action as AuditAction] ?? action,
  },
  entity: {
    id: 'entity',
    title: 'To',
    from: 'md',
    width: 'w-36',
    cell: ({ entity }) => ENTITIES[entity as AuditEntity] ?? entity.replaceAll('_', ' '),
  },
  name: {
    id: 'name',
    title: 'Name',
    cell: ({ entity_name }) => <span className="font-medium">{entity_name}</span>,
  },
};
