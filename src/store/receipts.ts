/** A process has applied a change that another one announced. */
export interface Receipt {
  readonly number: number;
  readonly node: string;
}

/** Waits for other processes to say that they have applied a change. */
export interface Receipts {
  /** Begins to wait for these, for a few seconds at most; nobody waits for number 0. */
  expect(others: Iterable<string>): { readonly number: number; readonly all: Promise<void> };
  take(receipt: Receipt): void;
  /** That process lives. */
  isHeardOf(node: string): void;
}

const LIMIT_MS = 3_000;

export function createReceipts(): Receipts {
  const waiting = new Map<number, { nodes: Set<string>; done: () => void }>();
  /** Those that have said nothing when they should have; nobody waits for them until they are heard of. */
  const silent = new Set<string>();
  let last = 0;

  return {
    expect(others) {
      const nodes = new Set([...others].filter((node) => !silent.has(node)));
      if (nodes.size === 0) return { number: 0, all: Promise.resolve() };
      const number = (last += 1);
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
      return { number, all: promise };
    },
    take({ number, node }) {
      silent.delete(node);
      const entry = waiting.get(number);
      if (entry?.nodes.delete(node) === true && entry.nodes.size === 0) entry.done();
    },
    isHeardOf: (node) => void silent.delete(node),
  };
}
