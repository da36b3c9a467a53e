import type { CallEnd, CallStart, Charge } from '../store/ledger-rows.ts';
import type { EndedCall, LedgerBatch } from '../store/ledger/batch.ts';
import { splitRows, type WaitingRow } from './split-rows.ts';
import { createWaitingLlm, rowsOf as rowsOfLlm, type WaitingLlm } from './waiting-llm.ts';

/** A call that was taken down. */
export type WaitingCall = WaitingRow<CallStart, CallEnd>;

/** What is written in one transaction: the calls and charges of one moment. It does not change, so it can be sent again. */
export interface Segment extends Omit<LedgerBatch, 'node'> {
  /** Characters of arguments and results. */
  readonly size: number;
}

/** Four or more come with every call, so they are added up in place. */
type OpenCharge = { -readonly [K in keyof Charge]: Charge[K] };

/** What was taken down and is not stored yet. */
export interface Waiting {
  begin(start: CallStart): WaitingCall;
  /** False when the call had ended before. */
  end(call: WaitingCall, end: CallEnd): boolean;
  charge(charge: Charge): void;
  /** Requests to models, which are written in the same segments. */
  readonly llm: Pick<WaitingLlm, 'begin' | 'end'>;
  /**
   * Closes the open segment, if there is anything in it; gives the number of the last closed one. Calls that still run stay open if
   * they began less than `patience` ms ago; without it, none.
   */
  seal(patience?: number): number;
  /** The oldest segment that is not stored. */
  next(): Segment | undefined;
  /** The oldest segment is stored. */
  done(): void;
  /** Leaves the rows of the oldest segment out, for they cannot be written; its charges stay. */
  dropRows(): void;
  /** That came since the last segment was closed. */
  readonly newRows: number;
  /** Of the open segment and the closed ones. */
  readonly rows: number;
  readonly isWaiting: boolean;
  /** Number of the last segment that is stored. */
  readonly stored: number;
  readonly dropped: number;
}

/** Beyond so many rows, or so many characters, no arguments and results are kept; beyond twice the rows, no rows. */
const MAX_FULL_ROWS = 100_000;
const MAX_ROWS = 2 * MAX_FULL_ROWS;
const MAX_CHARACTERS = 64 * 1024 * 1024;

/** Creates an empty one. */
export function createWaiting(): Waiting {
  let calls: WaitingCall[] = [];
  let ended: EndedCall[] = [];
  /** By counter: charges of one window are added up, a newer window ends the one before. */
  let charges = new Map<string, OpenCharge>();
  let sealed: Segment[] = [];
  let size = 0; // of what is open
  let left = 0; // of the calls, by the last segment
  let sealedSize = 0;
  let sealedRows = 0;
  let stored = 0;
  let lastSealed = 0;
  let dropped = 0;
  const llm = createWaitingLlm();

  const rows = () => sealedRows + calls.length + ended.length;
  const isFull = () => rows() >= MAX_FULL_ROWS || size + sealedSize >= MAX_CHARACTERS;

  /** What waits gives up its content when there is too much. The oldest segment may be on its way, so it stays as it is. */
  function relieve(): void {
    const oldest = sealed[0]?.size ?? 0;
    if (size + sealedSize === oldest) return;
    sealed = sealed.map((segment, index) => (index === 0 ? segment : withoutContent(segment)));
    for (const call of calls) {
      call.start = withoutArguments(call.start);
      if (call.end !== undefined) call.end = withoutResult(call.end);
    }
    ended = ended.map(({ id, end }) => ({ id, end: withoutResult(end) }));
    sealedSize = oldest;
    size = 0;
  }

  function hasRoom(): boolean {
    if (isFull()) relieve();
    if (rows() < MAX_ROWS) return true;
    dropped += 1;
    return false;
  }

  return {
    llm,
    begin(start) {
      const call: WaitingCall = { start, end: undefined, since: performance.now(), place: 'dropped' };
      if (!hasRoom()) return call;
      call.place = 'open';
      if (isFull()) call.start = withoutArguments(start);
      calls.push(call);
      size += call.start.arguments?.length ?? 0;
      return call;
    },
    end(call, end) {
      if (call.end !== undefined) return false;
      call.end = isFull() ? withoutResult(end) : end;
      if (call.place === 'sealed' && hasRoom()) ended.push({ id: call.start.id, end: call.end });
      if (call.place !== 'dropped') size += call.end.result?.length ?? 0;
      return true;
    },
    charge(charge) {
      const known = charges.get(charge.counter_id);
      if (known === undefined || charge.window_start > known.window_start)
        charges.set(charge.counter_id, { ...charge });
      else if (charge.window_start === known.window_start) {
        known.amount += charge.amount;
        if (charge.reset !== undefined) known.reset = (known.reset ?? 0) + charge.reset;
      }
    },
    seal(patience = 0) {
      const requests = llm.seal(patience);
      const { left: running, ...written } = splitRows(calls, patience);
      const segment = { ...written, ended, charges: [...charges.values()], llm: requests };
      left = running.length;
      if (rowsOf(segment) === 0 && charges.size === 0 && requests === undefined) return lastSealed;
      lastSealed += 1;
      let sizeLeft = 0;
      for (const { start } of running) sizeLeft += start.arguments?.length ?? 0;
      sealed.push({ ...segment, seq: lastSealed, size: size - sizeLeft });
      sealedRows += rowsOf(segment);
      sealedSize += size - sizeLeft;
      [calls, ended, charges, size] = [running, [], new Map(), sizeLeft];
      return lastSealed;
    },
    next: () => sealed[0],
    done() {
      const segment = sealed.shift();
      if (segment === undefined) return;
      stored = segment.seq;
      sealedSize -= segment.size;
      sealedRows -= rowsOf(segment);
      if (segment.llm !== undefined) llm.forget(segment.llm);
    },
    dropRows() {
      const [segment] = sealed;
      if (segment === undefined) return;
      dropped += countRows(segment);
      sealedRows -= rowsOf(segment);
      sealedSize -= segment.size;
      if (segment.llm !== undefined) llm.forget(segment.llm);
      sealed[0] = { ...segment, started: [], ended: [], completed: [], size: 0, llm: undefined };
    },
    get newRows() {
      return calls.length - left + ended.length + llm.newRows;
    },
    get rows() {
      return rows() + llm.rows;
    },
    get isWaiting() {
      return sealed.length > 0 || rows() > 0 || charges.size > 0 || llm.rows > 0;
    },
    get stored() {
      return stored;
    },
    get dropped() {
      return dropped + llm.dropped;
    },
  };
}

/** Rows of both kinds. */
export function countRows(segment: Segment): number {
  return rowsOf(segment) + (segment.llm === undefined ? 0 : rowsOfLlm(segment.llm));
}

function rowsOf({ started, ended, completed }: Pick<Segment, 'started' | 'ended' | 'completed'>): number {
  return started.length + ended.length + completed.length;
}

function withoutContent(segment: Segment): Segment {
  return {
    ...segment,
    started: segment.started.map(withoutArguments),
    ended: segment.ended.map(({ id, end }) => ({ id, end: withoutResult(end) })),
    completed: segment.completed.map(({ start, end }) => ({ start: withoutArguments(start), end: withoutResult(end) })),
    size: 0,
  };
}

function withoutArguments(start: CallStart): CallStart {
  return start.arguments === undefined ? start : { ...start, arguments: undefined };
}

function withoutResult(end: CallEnd): CallEnd {
  return end.result === undefined ? end : { ...end, result: undefined };
}
