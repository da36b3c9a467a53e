/**
 * Ids are dealt out in blocks, as they are used, and not in one wide range for each connection: they grow no faster than with one
 * gateway, and many servers keep them in 32 bits.
 */
const BLOCK = 2 ** 16;

/** The ids of the requests at one process, by who may use them. */
export interface IdBlocks<Holder> {
  /** Deals out a block; gives the number before its first id. */
  grant(holder: Holder): number;
  /** True when whoever used this id should get another block. */
  isRunningOut(holder: Holder, id: number): boolean;
  holderOf(id: unknown): Holder | undefined;
  withdraw(holder: Holder): void;
}

export function createIdBlocks<Holder>(): IdBlocks<Holder> {
  const holders = new Map<number, Holder>();
  const newest = new Map<Holder, number>();
  let blocks = 0;
  return {
    grant(holder) {
      const block = blocks;
      blocks += 1;
      holders.set(block, holder);
      newest.set(holder, block * BLOCK);
      return block * BLOCK;
    },
    isRunningOut: (holder, id) => id - (newest.get(holder) ?? 0) > BLOCK / 2,
    holderOf: (id) => (typeof id === 'number' ? holders.get(Math.floor(id / BLOCK)) : undefined),
    withdraw(holder) {
      newest.delete(holder);
      for (const [block, other] of holders) if (other === holder) holders.delete(block);
    },
  };
}

/** The ids of the requests on one connection. */
export interface OwnIds {
  /** Undefined when all are used up. */
  next(): number | undefined;
  /** Takes a block more, behind this number. */
  add(start: number): void;
}

export function createOwnIds(): OwnIds {
  const spare: number[] = [];
  let last = BLOCK - 1;
  return {
    next() {
      if (last % BLOCK === BLOCK - 1) {
        const more = spare.shift();
        if (more === undefined) return undefined;
        last = more;
      }
      last += 1;
      return last;
    },
    add: (more) => void spare.push(more),
  };
}
