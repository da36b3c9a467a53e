import type { LlmEnd, LlmStart } from '../store/ledger-rows.ts';
import type { EndedRequest, LlmBatch } from '../store/ledger/llm/batch.ts';
import { splitRows, type WaitingRow } from './split-rows.ts';

/** A request to a model that was taken down. */
export type WaitingRequest = WaitingRow<LlmStart, LlmEnd>;

/** The requests to models among what was taken down and is not stored yet. */
export interface WaitingLlm {
  begin(start: LlmStart): WaitingRequest;
  /** False when the request had ended before. */
  end(request: WaitingRequest, end: LlmEnd): boolean;
  /** Gives what is open, which is closed thereby, but for those that stay (see {@link splitRows}); undefined when there is nothing. */
  seal(patience?: number): LlmBatch | undefined;
  /** A batch that was sealed is stored, or was given up. */
  forget(batch: LlmBatch): void;
  /** That came since the last batch was sealed. */
  readonly newRows: number;
  /** Of what is open and what is sealed. */
  readonly rows: number;
  /** Requests that have no row, as there were too many. */
  readonly dropped: number;
}

/** Beyond so many characters no more texts are taken, beyond so many rows no rows. */
const MAX_CHARACTERS = 64 * 1024 * 1024;
const MAX_ROWS = 50_000;

/** Creates an empty one. */
export function createWaitingLlm(maxRows = MAX_ROWS, maxCharacters = MAX_CHARACTERS): WaitingLlm {
  let requests: WaitingRequest[] = [];
  let ended: EndedRequest[] = [];
  let size = 0;
  let left = 0; // of the requests, by the last batch
  let dropped = 0;
  const sealed = { rows: 0, size: 0, sizes: new WeakMap<LlmBatch, number>() };

  const rows = () => sealed.rows + requests.length + ended.length;
  const isFull = (more: number) => size + sealed.size + more > maxCharacters;

  function hasRoom(): boolean {
    if (rows() < maxRows) return true;
    dropped += 1;
    return false;
  }

  function withText<T>(row: T, length: number, strip: (row: T) => T): T {
    if (isFull(length)) return strip(row);
    size += length;
    return row;
  }

  return {
    begin(start) {
      const request: WaitingRequest = { start, end: undefined, since: performance.now(), place: 'dropped' };
      if (!hasRoom()) return request;
      request.place = 'open';
      request.start = withText(start, lengthOf(start), withoutTexts);
      requests.push(request);
      return request;
    },
    end(request, end) {
      if (request.end !== undefined) return false;
      request.end = request.place === 'dropped' ? end : withText(end, end.output?.length ?? 0, withoutOutput);
      if (request.place === 'sealed' && hasRoom()) ended.push({ id: request.start.id, end: request.end });
      return true;
    },
    seal(patience = 0) {
      const { left: running, ...written } = splitRows(requests, patience);
      const batch = { ...written, ended };
      left = running.length;
      if (rowsOf(batch) === 0) return undefined;
      let sizeLeft = 0;
      for (const { start } of running) sizeLeft += lengthOf(start);
      sealed.sizes.set(batch, size - sizeLeft);
      sealed.rows += rowsOf(batch);
      sealed.size += size - sizeLeft;
      [requests, ended, size] = [running, [], sizeLeft];
      return batch;
    },
    forget(batch) {
      sealed.rows -= rowsOf(batch);
      sealed.size -= sealed.sizes.get(batch) ?? 0;
    },
    get newRows() {
      return requests.length - left + ended.length;
    },
    get rows() {
      return rows();
    },
    get dropped() {
      return dropped;
    },
  };
}

/** Rows that a batch writes. */
export function rowsOf({ started, ended, completed }: LlmBatch): number {
  return started.length + ended.length + completed.length;
}

function lengthOf({ input, params, tools }: LlmStart): number {
  return (input?.length ?? 0) + (params?.length ?? 0) + (tools?.length ?? 0);
}

function withoutTexts(start: LlmStart): LlmStart {
  return { ...start, input: undefined, params: undefined, tools: undefined };
}

function withoutOutput(end: LlmEnd): LlmEnd {
  return { ...end, output: undefined };
}
