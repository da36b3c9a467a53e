import type { VirtualKey } from '../../data/virtual-keys.ts';
import { Badge } from '../../ui/badge.tsx';
import { stateOf } from './key-search.ts';

const TONES = { active: 'good', inactive: 'plain', expired: 'warn' } as const;

/** Where a key stands. */
export function KeyStateBadge({ virtualKey }: { virtualKey: VirtualKey }) {
  const state = stateOf(virtualKey);
  return <Badge tone={TONES[state]}>{state}</Badge>;
}
