import type { IncomingMessage, OutgoingHttpHeaders } from 'node:http';
import type { LaneRequest } from './lane/lane-request.ts';

/** A request to a hot route: one of Node's server, or one that came whole and was read by the lane (`lane/lane.ts`). */
export type HotRequest = IncomingMessage | LaneRequest;

/** What hot routes need of a response. `node:http`'s has it, and so has that of the lane. */
export interface HotResponse {
  readonly req: HotRequest;
  readonly statusCode: number;
  readonly headersSent: boolean;
  readonly writableEnded: boolean;
  readonly writableFinished: boolean;
  /** Bytes that wait for a client which reads slowly. */
  readonly writableLength: number;
  readonly destroyed: boolean;
  setHeader(name: string, value: string): unknown;
  writeHead(status: number, headers?: OutgoingHttpHeaders): this;
  flushHeaders(): void;
  /** False: wait for `drain` before the next. */
  write(chunk: string | Uint8Array): boolean;
  /** The same for bytes as text, a letter for each. */
  write(chunk: string, encoding: 'latin1'): boolean;
  end(chunk?: string | Uint8Array): unknown;
  cork(): void;
  uncork(): void;
  destroy(): unknown;
  /** `close`: all was sent, or the client is gone. */
  once(event: 'close' | 'drain', listener: () => void): unknown;
  off(event: 'close' | 'drain', listener: () => void): unknown;
}

/** A route that is called all the time. */
export type HotHandler = (request: HotRequest, response: HotResponse) => Promise<void>;

/** The path of a request target, without its query. */
export function pathOf({ url = '/' }: Pick<HotRequest, 'url'>): string {
  const query = url.indexOf('?');
  return query === -1 ? url : url.slice(0, query);
}

/** Resolves when more can be written, or nobody is left to write to. */
export function drained(response: HotResponse): Promise<void> {
  return new Promise((resolve) => {
    if (response.destroyed) return resolve();
    const go = (): void => {
      response.off('drain', go);
      response.off('close', go);
      resolve();
    };
    response.once('drain', go);
    response.once('close', go);
  });
}
