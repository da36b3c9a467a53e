import type { Record as Recording } from './recorder.ts';

/** A tool call and what must be in its answer. */
export interface Call {
  readonly tool: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly text: string;
}

/** What there is to try at a server. */
export interface Subject {
  readonly tools: readonly string[];
  readonly call: Call;
  readonly resource?: { readonly uri: string; readonly text: string };
  readonly prompt?: { readonly name: string; readonly args: Record<string, string>; readonly text: string };
  /** A call that asks the user, and one that asks the model of the client. */
  readonly elicitation?: Call;
  readonly sampling?: Call;
  /** A tool that takes `duration` in seconds and `steps`, and reports progress. */
  readonly work?: string;
}

/** Where a server may put files, and what ends with it. */
export interface Home {
  readonly folder: string;
  readonly stack: AsyncDisposableStack;
}

/** A server that can be reached. */
export interface StartedServer {
  /** Where clients can reach it themselves; absent for stdio. */
  readonly direct?: { readonly url: string; readonly transport: 'http' | 'sse' };
  /** How it is registered at the gateway. */
  readonly registration: Readonly<Record<string, unknown>>;
  /** What passes between it and the gateway. */
  readonly back: Recording;
}

/** A server of the matrix. */
export interface Peer {
  readonly name: string;
  readonly subject: Subject;
  /** Starts it; a sentence instead says why it cannot be had here. */
  start(home: Home): Promise<StartedServer | string>;
}
