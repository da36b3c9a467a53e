import { GatewayError, messageOf } from '../../lib/errors.ts';

/** What a failure means for a batch: `data` will fail again whenever it is written, `place` may pass. */
export type Fault = 'data' | 'place';

// Constraint, wrong type, too big, out of range: https://sqlite.org/rescode.html
const SQLITE_DATA = new Set([18, 19, 20, 25]);

/** Tells a batch that can never be written from a database that cannot be reached just now. */
export function describeFault(error: unknown): Fault {
  if (!(error instanceof Error)) return 'place';
  const { code, errcode } = error as Error & { code?: unknown; errcode?: unknown };
  // PostgreSQL: 22 is bad data, 23 a broken constraint, 54 a limit.
  if (typeof code === 'string' && /^(22|23|54)...$/.test(code)) return 'data';
  return typeof errcode === 'number' && SQLITE_DATA.has(errcode & 0xff) ? 'data' : 'place';
}

/** A statement of the ledger failed. */
export class LedgerError extends GatewayError {
  readonly fault: Fault;

  constructor(message: string, fault: Fault, cause?: unknown) {
    super('database_unavailable', message, { cause });
    this.fault = fault;
  }
}

/** Any failure as a LedgerError. */
export function toLedgerError(error: unknown): LedgerError {
  return error instanceof LedgerError ? error : new LedgerError(messageOf(error), describeFault(error), error);
}
