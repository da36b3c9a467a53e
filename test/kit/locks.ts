import type { Lockable } from '../../src/store/alone.ts';

/** Locks that nobody else wants. */
export const freeLocks: Lockable = { lock: async () => ({ [Symbol.asyncDispose]: async () => {} }) };
