import type { VirtualKey } from '../../data/virtual-keys.ts';

/** What is looked for in the list of keys; all of it stands in the URL. */
export interface KeyFilter {
  readonly q?: string;
  readonly state?: string;
  readonly sort?: string;
}

const FIELDS = ['q', 'state', 'sort'] as const;

/** Where keys may stand. */
export const KEY_STATES = ['active', 'inactive', 'expired'] as const;

/** Where a key stands. */
export function stateOf({ is_active, expires_at }: VirtualKey): (typeof KEY_STATES)[number] {
  if (expires_at !== null && Date.parse(expires_at) <= Date.now()) return 'expired';
  return is_active ? 'active' : 'inactive';
}

/** The filter in the URL; what it does not know is left out. */
export function readKeyFilter(search: Readonly<Record<string, unknown>>): KeyFilter {
  const given = FIELDS.filter((field) => typeof search[field] === 'string' && search[field] !== '');
  return Object.fromEntries(given.map((field) => [field, search[field]]));
}

/** The keys that the filter lets through; teams, customers and servers find their keys. */
export function filterKeys(all: readonly VirtualKey[], { q = '', state }: KeyFilter): readonly VirtualKey[] {
  const words = q.toLowerCase().split(/\s+/).filter(Boolean);
  return all.filter((key) => {
    if (state !== undefined && state !== stateOf(key)) return false;
    const servers = key.mcp_configs.map(({ mcp_client_name }) => mcp_client_name);
    const text = [key.name, key.description, key.team?.name, key.customer?.name, ...servers].join(' ').toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
