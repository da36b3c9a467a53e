import type { IconName } from '../ui/icon.tsx';

/** One page of the navigation and of the command palette. */
export interface NavigationEntry {
  readonly to: string;
  readonly label: string;
  readonly icon: IconName;
  readonly group: string;
  /** Other words that find it in the palette. */
  readonly words?: string;
  /** Shown to admins only. */
  readonly isForAdmins?: boolean;
}

/** Every page, in the order of the navigation. A page that does not exist is not in it. */
export const NAVIGATION: readonly NavigationEntry[] = [
  {
    to: '/workspace/start',
    label: 'First steps',
    icon: 'start',
    group: 'Gateway',
    words: 'import add connect client onboarding',
  },
  {
    to: '/workspace/mcp-registry',
    label: 'MCP servers',
    icon: 'server',
    group: 'Gateway',
    words: 'catalog clients upstream tools',
  },
  {
    to: '/workspace/playground',
    label: 'Playground',
    icon: 'play',
    group: 'Gateway',
    words: 'inspector try call tool prompt resource elicitation',
  },
  {
    to: '/workspace/virtual-keys',
    label: 'Virtual keys',
    icon: 'key',
    group: 'Access',
    words: 'governance grants budgets limits rotate',
  },
  {
    to: '/workspace/teams',
    label: 'Teams and customers',
    icon: 'people',
    group: 'Access',
    words: 'governance budgets owners',
  },
  {
    to: '/workspace/providers',
    label: 'Providers',
    icon: 'model',
    group: 'Access',
    words: 'models openai anthropic keys llm',
  },
  {
    to: '/workspace/pricing-overrides',
    label: 'Model prices',
    icon: 'price',
    group: 'Access',
    words: 'pricing overrides cost usd tokens',
  },
  {
    to: '/workspace/mcp-approvals',
    label: 'Approvals',
    icon: 'check',
    group: 'Access',
    words: 'waiting calls approve deny',
  },
  {
    to: '/workspace/mcp-sessions',
    label: 'Credentials',
    icon: 'shield',
    group: 'Access',
    words: 'sessions oauth sign-in doctor reauthorize revoke',
  },
  {
    to: '/workspace/dashboard',
    label: 'Overview',
    icon: 'chart',
    group: 'What happens',
    words: 'dashboard plots volume errors latency cost top tools',
  },
  { to: '/workspace/mcp-logs', label: 'MCP logs', icon: 'log', group: 'What happens', words: 'calls tools history' },
  {
    to: '/workspace/logs',
    label: 'LLM logs',
    icon: 'model',
    group: 'What happens',
    words: 'models requests tokens cost latency history',
  },
  {
    to: '/workspace/audit-logs',
    label: 'Audit',
    icon: 'shield',
    group: 'What happens',
    words: 'changes trail who history verify',
  },
  {
    to: '/workspace/settings',
    label: 'Settings',
    icon: 'settings',
    group: 'Administration',
    words: 'config api keys accounts users password oauth sessions',
  },
];
