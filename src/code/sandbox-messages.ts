/** What one run may use. */
export interface RunLimits {
  readonly timeoutMs: number;
  readonly memoryBytes: number;
  /** Calls of tools. */
  readonly calls: number;
  /** Characters of what it prints, and of what it returns. */
  readonly output: number;
}

/** Code to run, and what it finds there. */
export interface Job {
  /** TypeScript. It may await and return. */
  readonly code: string;
  /** The names under which it finds servers. */
  readonly servers: readonly string[];
  /** JSON text of what runs before it kept; undefined: nothing. */
  readonly artifacts: string | undefined;
  readonly limits: RunLimits;
  /** Whose run it is: a continuation of one caller is none of another. */
  readonly owner: string;
  /** Goes on where a run was interrupted. */
  readonly resume: Resume | undefined;
}

/** Where an interrupted run goes on, and what was decided meanwhile. */
export interface Resume {
  readonly continuation: string;
  readonly resolutions: readonly { readonly interruptionId: string; readonly value: unknown }[];
}

/** A tool that running code calls. All of it was written by the code. */
export interface NestedCall {
  readonly server: string;
  readonly tool: string;
  readonly args: string;
  /** What the code printed since its last call. */
  readonly printed: string;
  /** What was decided about this call, if the run was interrupted for it. */
  readonly resolution: unknown;
}

/** What code hears of a call: the JSON text of the tool's result, an error to throw, or that the run stops here for now. */
export type Answer =
  | { readonly kind: 'result'; readonly json: string }
  | { readonly kind: 'error'; readonly code: string; readonly message: string }
  | { readonly kind: 'interrupt'; readonly payload: unknown };

/** Why a run ended without an end of its own. */
export type FailureKind = 'compile' | 'syntax' | 'runtime' | 'timeout' | 'memory' | 'calls' | 'cancelled';

/** How a run ended, as its process tells it. */
export type ProcessOutcome =
  /** `report` is JSON text that the code itself could have written. */
  | { readonly status: 'completed'; readonly report: string }
  | {
      readonly status: 'failed';
      readonly kind: FailureKind;
      readonly message: string;
      readonly line: number | undefined;
    }
  | {
      readonly status: 'interrupted';
      readonly continuation: string;
      readonly interruptions: readonly { readonly id: string; readonly payload: unknown }[];
    }
  /** What strips types broke, which it does for good: the process needs a successor. Nothing was run. */
  | { readonly status: 'worn' };

export type ToProcess =
  | { readonly kind: 'run'; readonly run: number; readonly job: Job }
  | { readonly kind: 'answer'; readonly run: number; readonly call: number; readonly answer: Answer }
  | { readonly kind: 'cancel'; readonly run: number };

export type FromProcess =
  | { readonly kind: 'call'; readonly run: number; readonly call: number; readonly request: NestedCall }
  | { readonly kind: 'end'; readonly run: number; readonly outcome: ProcessOutcome };
