import { randomUUID } from 'node:crypto';
import type { Sealer } from '../lib/seal.ts';

/** Tickets that stand for a caller where a browser cannot send headers. */
export interface Tickets {
  issue(principal: string): string;
  /** The principal that the ticket was made for; undefined for one that is foreign, too old, used or revoked. */
  redeem(ticket: string): string | undefined;
  /** Takes back what was issued so far, to one principal or, with `*`, to all. */
  revoke(principal: string): void;
}

interface Content {
  readonly id: string;
  readonly principal: string;
  readonly until: number;
}

const LIFE_MS = 30_000;

/** Sealed, so that a ticket of one node is good on every other; that it was used is remembered where it was used. */
export function createTickets(sealer: Sealer, now: () => number = Date.now): Tickets {
  /** Ids of used tickets and principals of revoked ones, with the time when all those tickets are too old anyway. */
  const refused = new Map<string, number>();

  function refuse(key: string): void {
    for (const [known, until] of refused) if (until <= now()) refused.delete(known);
    refused.set(key, now() + LIFE_MS);
  }

  return {
    issue: (principal) => sealer.seal({ id: randomUUID(), principal, until: now() + LIFE_MS } satisfies Content),
    redeem(ticket) {
      const content = sealer.open(ticket) as Content | undefined; // nobody else can make one
      if (content === undefined || content.until <= now() || refused.has(content.id)) return undefined;
      const { id, principal, until } = content;
      if (until <= (refused.get(principal) ?? 0) || until <= (refused.get('*') ?? 0)) return undefined;
      refuse(id);
      return principal;
    },
    revoke: refuse,
  };
}
