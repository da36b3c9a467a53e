import { useCallback, useEffect, useRef, useState } from 'react';
import type { LiveMessage } from '../../../../src/contract/live-feed.ts';
import type { McpLogView } from '../../../../src/contract/log.ts';
import { composeMcp, resultOf, sendMcp, type JsonObject, type McpMessage, type McpRequest } from '../../data/mcp.ts';
import { useLiveMessages } from '../../shell/live-context.tsx';

/** One message of a run, as it went over the wire. */
export interface Step {
  readonly way: 'sent' | 'received';
  /** Milliseconds since the run began. */
  readonly ms: number;
  readonly message: JsonObject | McpMessage;
}

/** Something that a server asks the person in front of the page. */
export interface Question {
  readonly method: string;
  readonly params?: JsonObject;
}

/** How far a notification says the work is. */
export interface Progress {
  readonly progress: number;
  readonly total?: number;
  readonly message?: string;
}

/** One use of a tool, prompt or resource, with all its turns. */
export interface Run {
  readonly state: 'running' | 'asked' | 'done' | 'failed' | 'cancelled';
  readonly request: McpRequest;
  readonly requestId: string;
  readonly steps: readonly Step[];
  /** Milliseconds that the gateway took; the time a person needs to answer is not in it. */
  readonly ms: number;
  readonly progress?: Progress;
  readonly questions?: Readonly<Record<string, Question>>;
  readonly requestState?: unknown;
  readonly result?: JsonObject;
  readonly error?: unknown;
  /** In USD, by the row of the log: a server that asks back is called more than once. */
  readonly costs: Readonly<Record<string, number>>;
}

/** A server that only wants to be asked again is given this long. */
const PAUSE_MS = 500;

/** Runs requests one at a time, from the first message to the last answer. */
export function useRun() {
  const [run, setRun] = useState<Run>();
  const [start, setStart] = useState(0);
  const abort = useRef<AbortController>(undefined);
  useEffect(() => () => abort.current?.abort(), []);
  useCost(run, setRun);

  async function turn(begun: Run, since: number, more: JsonObject): Promise<void> {
    const controller = new AbortController();
    abort.current = controller;
    const { request } = begun;
    const outgoing = composeMcp({ ...request, params: { ...request.params, ...more } });
    const from = performance.now();
    // What comes late of a run that was left must not show in the next one.
    const update = (change: (run: Run) => Partial<Run>): void =>
      setRun((now) => (now?.requestId === begun.requestId ? { ...now, ...change(now) } : now));
    const add = (way: Step['way'], message: Step['message'], rest: Partial<Run> = {}): void =>
      update(({ steps }) => ({ steps: [...steps, { way, ms: performance.now() - since, message }], ...rest }));
    const spent = (now: Run): number => now.ms + performance.now() - from;
    add('sent', outgoing.body);
    try {
      const onMessage = (message: McpMessage): void => add('received', message, progressIn(message));
      const result = resultOf(await sendMcp(request.as, outgoing, { signal: controller.signal, onMessage }));
      const { requestState, inputRequests } = result;
      if (result['resultType'] !== 'input_required')
        return update((now) => ({ state: 'done', result, ms: spent(now) }));
      const questions = (inputRequests ?? {}) as Record<string, Question>; // as the protocol has it
      update((now) => ({ ms: spent(now), requestState }));
      if (Object.keys(questions).length > 0) return update(() => ({ state: 'asked', questions, requestState }));
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      if (!controller.signal.aborted) await turn(begun, since, stateOf(requestState));
    } catch (error) {
      if (!controller.signal.aborted) update((now) => ({ state: 'failed', error, ms: spent(now) }));
    }
  }

  return {
    run,
    start(request: McpRequest): void {
      abort.current?.abort();
      const requestId = crypto.randomUUID?.() ?? String(Math.random()).slice(2); // only over TLS and on this machine
      const headers = { ...request.headers, 'x-request-id': requestId };
      const traced = { ...request, headers, progressToken: requestId };
      const begun: Run = { state: 'running', request: traced, requestId, steps: [], ms: 0, costs: {} };
      const now = performance.now();
      setStart(now);
      setRun(begun);
      void turn(begun, now, {});
    },
    answer(inputResponses: JsonObject): void {
      if (run === undefined) return;
      const { questions: _asked, ...rest } = run;
      setRun({ ...rest, state: 'running' });
      void turn(run, start, { inputResponses, ...stateOf(run.requestState) });
    },
    cancel(): void {
      abort.current?.abort();
      setRun((now) => now && { ...now, state: 'cancelled' });
    },
    clear(): void {
      abort.current?.abort();
      setRun(undefined);
    },
  };
}

function stateOf(requestState: unknown): JsonObject {
  return requestState === undefined ? {} : { requestState };
}

function progressIn({ method, params }: McpMessage): Partial<Run> {
  const { progress, total, message } = params ?? {};
  if (method !== 'notifications/progress' || typeof progress !== 'number') return {};
  return {
    progress: {
      progress,
      ...(typeof total === 'number' ? { total } : {}),
      ...(typeof message === 'string' ? { message } : {}),
    },
  };
}

/** The price of a run stands in the log, which the live feed tells of. */
function useCost(run: Run | undefined, setRun: (change: (run: Run | undefined) => Run | undefined) => void): void {
  const id = run?.requestId;
  const listen = useCallback(
    (message: LiveMessage) => {
      if (message.type !== 'mcp_log' || message.operation !== 'update') return;
      const { id: row, request_id, cost } = message.payload as McpLogView; // as the gateway renders it
      if (request_id === id) setRun((now) => now && { ...now, costs: { ...now.costs, [row]: cost } });
    },
    [id, setRun],
  );
  useLiveMessages(listen);
}
