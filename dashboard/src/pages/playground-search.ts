import type { OfferKind } from '../data/offers.ts';

/** What is tried, and as whom; all of it stands in the URL. */
export interface PlaygroundSearch {
  /** Id of a virtual key; absent for oneself. */
  readonly as?: string;
  readonly server?: string;
  readonly kind?: OfferKind;
  /** The name on /mcp; the address of a resource. */
  readonly name?: string;
}

/** What can be tried. */
export const OFFER_KINDS = ['tool', 'prompt', 'resource'] as const satisfies readonly OfferKind[];

/** The choice in the URL; what it does not know is left out. */
export function readPlaygroundSearch({ as, server, kind, name }: Readonly<Record<string, unknown>>): PlaygroundSearch {
  const known = OFFER_KINDS.find((word) => word === kind);
  return {
    ...(typeof as === 'string' && as !== '' ? { as } : {}),
    ...(typeof server === 'string' && server !== '' ? { server } : {}),
    ...(known === undefined ? {} : { kind: known }),
    ...(typeof name === 'string' && name !== '' ? { name } : {}),
  };
}
