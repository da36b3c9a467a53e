import type { JsonObject } from '../lib/json-rpc.ts';
import type { Frame } from '../lib/sse-frames.ts';

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
  /** To be read once; whoever stops reading ends the request. Frames that came together stay together. */
  readonly frames: AsyncIterable<readonly Frame[]>;
  readonly headers: Readonly<Record<string, string>>;
}
