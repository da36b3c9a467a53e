import { setTimeout as sleep } from 'node:timers/promises';
import { isTried } from './cannot.ts';
import { OPERATIONS, type Operation } from './operations.ts';
import { startStage, type Row } from './stage.ts';

export type Cell =
  | { readonly kind: 'passed' }
  | { readonly kind: 'absent' }
  | { readonly kind: 'failed'; readonly reason: string };

export interface RowResult {
  readonly row: Row;
  readonly cells: Readonly<Record<Operation, Cell>>;
}

const LIMIT_MS = 10_000;
const SHOWN = 600;

/** Tries every operation of one row, one after the other. */
export async function runRow(row: Row): Promise<RowResult> {
  await using stage = await startStage(row);
  const cells: Partial<Record<Operation, Cell>> = {};
  for (const operation of Object.keys(OPERATIONS) as Operation[])
    cells[operation] = isTried(operation, row) ? await attempt(() => OPERATIONS[operation](stage)) : { kind: 'absent' };
  return { row, cells: cells as RowResult['cells'] };
}

async function attempt(action: () => Promise<void>): Promise<Cell> {
  try {
    const late = sleep(LIMIT_MS, undefined, { ref: false }).then(() => {
      throw new Error(`nothing in ${LIMIT_MS / 1000} s`);
    });
    await Promise.race([action(), late]);
    return { kind: 'passed' };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { kind: 'failed', reason: reason.replaceAll(/\s+/g, ' ').slice(0, SHOWN) };
  }
}
