import type { JsonObject } from '../lib/json-rpc.ts';
import type { Frame } from '../lib/sse-frames.ts';

/** Takes frames that came together, if any. A promise holds back what comes next. */
export type TakeFrames = (frames: readonly Frame[]) => void | Promise<void>;

/** The answer to a caller, in the caller's format: whole, or as it comes. */
export type Answer = WholeAnswer | StreamAnswer;

export interface WholeAnswer {
  readonly kind: 'whole';
  /** Of the first request of its run in the logs. */
  readonly id: string;
  readonly bytes: Buffer;
  /** What the bytes say. */
  readonly answer: JsonObject;
  readonly headers: Readonly<Record<string, string>>;
}

export interface StreamAnswer {
  readonly kind: 'stream';
  readonly id: string;
  /** Hands all frames on and settles at the end of the stream. To be called once; when `take` throws, the request ends. */
  readonly read: (take: TakeFrames) => Promise<void>;
  readonly headers: Readonly<Record<string, string>>;
}
