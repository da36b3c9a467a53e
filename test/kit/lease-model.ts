import type { LeaseAnswer, LeaseRequest } from '../../src/store/ledger/lease-store.ts';

interface Row {
  window: number;
  granted: number;
  charged: number;
  spare: number;
}

/** What the database does with leases of one counter, in plain words: the same as lease-tables.ts and counters.ts do in SQL. */
export class LeaseModel {
  window = -Infinity;
  used = 0;
  readonly rows = new Map<string, Row>();
  readonly alive = new Set<string>();
  readonly #lost = new Set<string>();

  /** Answers a request of a process, which thereby lives. */
  ask(node: string, request: LeaseRequest): LeaseAnswer {
    const { counter_id, window_start: window, max, owed, first, want, share } = request;
    this.alive.add(node);
    const keep = this.#lost.delete(node) ? owed : request.keep;
    if (this.window === -Infinity) this.window = window;
    const used = this.window === window ? this.used : 0;
    const row = this.rows.get(node);
    const charged = row?.window === window ? row.charged : 0;
    const others = [...this.rows].filter(
      ([name, { window: at }]) => name !== node && this.alive.has(name) && at <= window,
    );
    const heldIn = ({ granted, charged: stored }: Row) => Math.max(0, granted - stored);
    const held = others.reduce((sum, [, other]) => sum + heldIn(other), 0);
    const spare = others.reduce((sum, [, other]) => sum + (other.window === window ? other.spare : heldIn(other)), 0);
    const free = max - used - held - Math.max(0, owed - charged);
    const chunk = share === 0 ? 0 : Math.floor(Math.max(0, free) / (share * this.alive.size));
    const more = free <= 0 ? 0 : Math.max(first, Math.min(free, Math.max(want, chunk)));
    const granted = Math.max(keep, owed + more);
    if (this.window <= window) this.rows.set(node, { window, granted, charged, spare: granted - owed });
    const room = max - used - held - Math.max(0, granted - charged);
    return { counter_id, window_start: Math.max(this.window, window), granted, used, held, spare, room };
  }

  /** Stores what a process has used. */
  charge(node: string, window: number, amount: number): void {
    if (window > this.window) [this.window, this.used] = [window, amount];
    else if (window === this.window) this.used += amount;
    const row = this.rows.get(node);
    if (row === undefined) this.rows.set(node, { window, granted: 0, charged: amount, spare: 0 });
    else if (row.window === window) row.charged += amount;
    else if (row.window < window) {
      const held = Math.max(0, row.granted - row.charged);
      this.rows.set(node, { window, granted: held, charged: amount, spare: held });
    }
  }

  /** A process was silent for too long. */
  lose(node: string): void {
    if (this.alive.delete(node)) this.#lost.add(node);
  }
}
