/** A process has applied a change that another one announced. */
export interface Receipt {
  readonly number: number;
  readonly node: string;
}

/** What is waited for. */
export interface Expected {
  readonly number: number;
  readonly all: Promise<void>;
  /** They were told nothing, so they will say nothing. */
  cancel(): void;
}

/** Waits for other processes to say that they have applied a change. */
export interface Receipts {
  /** Begins to wait for these, for a few seconds at most. Number 0 asks for no receipt. */
  expect(others: Iterable<string>): Expected;
  take(receipt: Receipt): void;
  /** That process lives. */
  isHeardOf(node: string): void;
}

const LIMIT_MS = 3_000;
const NOBODY: Expected = { number: 0, all: Promise.resolve(), cancel() {} };

export function createReceipts(): Receipts {
  const waiting = new Map<number, { nodes: Set<string>; done: () => void }>();
  /** Those that have said nothing when they should have; nobody waits for them until they are heard of. */
  const silent = new Set<string>();
  let last = 0;

  return {
    expect(others) {
      const all = [...others];
      if (all.length === 0) return NOBODY;
      const number = (last += 1);
      const nodes = new Set(all.filter((node) => !silent.has(node)));
      // By their receipts those that were silent are heard of again.
      if (nodes.size === 0) return { ...NOBODY, number };
      const { promise, resolve } = Promise.withResolvers<void>();
      const done = (): void => {
        clearTimeout(timer);
        waiting.delete(number);
        resolve();
      };
      const timer = setTimeout(() => {
        for (const node of nodes) silent.add(node);
        done();
      }, LIMIT_MS);
      waiting.set(number, { nodes, done });
      return { number, all: promise, cancel: done };
    },
    take({ number, node }) {
      silent.delete(node);
      const entry = waiting.get(number);
      if (entry?.nodes.delete(node) === true && entry.nodes.size === 0) entry.done();
    },
    isHeardOf: (node) => void silent.delete(node),
  };
}
