import type { LlmEnd, LlmStart } from '../store/ledger-rows.ts';
import type { CompletedRequest, EndedRequest, LlmBatch } from '../store/ledger/llm/batch.ts';

/** A request to a model that was taken down. */
export interface WaitingRequest {
  readonly start: LlmStart;
  end: LlmEnd | undefined;
  /** open: its row waits for the next batch. sealed: it is being written, or was. dropped: it has no row. */
  place: 'open' | 'sealed' | 'dropped';
}

/** The requests to models among what was taken down and is not stored yet. */
export interface WaitingLlm {
  begin(start: LlmStart): WaitingRequest;
  /** False when the request had ended before. */
  end(request: WaitingRequest, end: LlmEnd): boolean;
  /** Gives what is open, which is closed thereby; undefined when there is nothing. */
  seal(): LlmBatch | undefined;
  /** A batch that was sealed is stored, or was given up. */
  forget(batch: LlmBatch): void;
  readonly openRows: number;
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
      if (!hasRoom()) return { start, end: undefined, place: 'dropped' };
      const request: WaitingRequest = {
        start: withText(start, lengthOf(start), withoutTexts),
        end: undefined,
        place: 'open',
      };
      requests.push(request);
      return request;
    },
    end(request, end) {
      if (request.end !== undefined) return false;
      request.end = request.place === 'dropped' ? end : withText(end, end.output?.length ?? 0, withoutOutput);
      if (request.place === 'sealed' && hasRoom()) ended.push({ id: request.start.id, end: request.end });
      return true;
    },
    seal() {
      if (requests.length + ended.length === 0) return undefined;
      const batch = { ...split(requests), ended };
      sealed.sizes.set(batch, size);
      sealed.rows += rowsOf(batch);
      sealed.size += size;
      [requests, ended, size] = [[], [], 0];
      return batch;
    },
    forget(batch) {
      sealed.rows -= rowsOf(batch);
      sealed.size -= sealed.sizes.get(batch) ?? 0;
    },
    get openRows() {
      return requests.length + ended.length;
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

function split(requests: readonly WaitingRequest[]): Pick<LlmBatch, 'started' | 'completed'> {
  const started: LlmStart[] = [];
  const completed: CompletedRequest[] = [];
  for (const request of requests) {
    request.place = 'sealed';
    if (request.end === undefined) started.push(request.start);
    else completed.push({ start: request.start, end: request.end });
  }
  return { started, completed };
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
