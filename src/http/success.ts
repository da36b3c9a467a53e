import type { Success } from '../contract/common.ts';

/** The answer of a mutation: what was done, and what was sent but had no effect. */
export function success(message: string, warnings: readonly string[] = []): Success {
  return { status: 'success', message, ...(warnings.length === 0 ? {} : { warnings: [...warnings] }) };
}
