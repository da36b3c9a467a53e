import { asAbortSignal } from '../lib/call-signal.ts';
import type { ApprovalNotice } from '../contract/approval.ts';
import type { ClientSettings } from '../contract/client-settings.ts';
import type { BuiltInCall } from '../mcp/built-in.ts';
import type { CallTool } from '../mcp/call-tool.ts';
import { decideNested } from './approval.ts';
import type { ArtifactChanges, Artifacts, SavedArtifacts } from './artifacts.ts';
import { explainError, explainOutcome } from './explain-failure.ts';
import type { RunState } from './kept-runs.ts';
import type { Library } from './library.ts';
import { createNestedCalls, type NestedCalls } from './nested-calls.ts';
import { renderEnd, renderFailure, type Surroundings } from './render-run.ts';
import type { Outcome, Sandbox } from './sandbox.ts';
import type { Job, RunLimits } from './sandbox-messages.ts';

export interface ExecuteDeps {
  readonly sandbox: Pick<Sandbox, 'run'>;
  readonly artifacts: Artifacts;
  readonly callTool: CallTool;
  readonly settings: () => Pick<ClientSettings, 'mcp_code_mode_timeout' | 'mcp_code_mode_memory'>;
  readonly onError: (error: unknown) => void;
}

/** The run is over, or stopped where calls wait. */
export type Step =
  | { readonly result: { readonly text: string; readonly isError: boolean } }
  | { readonly state: RunState };

/**
 * Runs code from its beginning, or from where it stopped, to its end or the next stop. `restore` is called when a run could not
 * even go on, so that nothing is lost by the attempt.
 */
export function createExecute({ sandbox, artifacts, callTool, settings, onError }: ExecuteDeps) {
  async function finish(
    { report }: Extract<Outcome, { status: 'completed' }>,
    { session, servers, hasArtifacts }: RunState,
    library: Library,
    { limits, principal }: { limits: RunLimits; principal: string },
  ) {
    const { set, removed } = report.artifacts;
    const isUsed = hasArtifacts || Object.keys(set).length > 0 || removed.length > 0;
    const saved = isUsed ? await save(session.key, principal, report.artifacts) : { kept: [], lost: [] };
    const notes: Surroundings = { servers, notes: notesOn(session.name, saved) };
    if (report.error === undefined) return renderEnd(report, notes);
    const failure = explainError(report.error, library, limits);
    return { text: renderFailure(failure, report.output, notes, report.isCut), isError: true };
  }

  /** Undefined: they could not be kept. What the run did is done, so its result goes back all the same. */
  function save(session: string, principal: string, changes: ArtifactChanges): Promise<SavedArtifacts | undefined> {
    return artifacts.save(session, principal, changes).catch((error: unknown) => {
      onError(error);
      return undefined;
    });
  }

  return async (call: BuiltInCall, library: Library, state: RunState, restore: () => Promise<void>): Promise<Step> => {
    const { request } = call;
    const limits = limitsOf(settings(), state);
    const decide = (tool: Parameters<typeof decideNested>[0]) => decideNested(tool, state.isReviewed);
    const nested = createNestedCalls({ call, library, limits, callTool, decide, onError, before: state });
    const { principal } = request.caller;
    const run = async (): Promise<Outcome> => {
      const kept = state.hasArtifacts ? await artifacts.load(state.session.key) : undefined;
      return sandbox.run(jobOf(state, limits, principal, kept), nested.answer, asAbortSignal(request.signal));
    };
    const outcome = await run()
      .catch(async (error: unknown) => {
        if (state.stop !== undefined && nested.made === state.made) await restore().catch(onError);
        throw error;
      })
      .finally(() => nested.end());
    if (outcome.status === 'interrupted') return { state: stopped(state, outcome, nested) };
    if (outcome.status === 'completed') {
      const isSignIn = outcome.report.error?.code === 'mcp_auth_required';
      if (isSignIn && nested.obstacle !== undefined) throw nested.obstacle;
      return { result: await finish(outcome, state, library, { limits, principal }) };
    }
    const around = { servers: state.servers, notes: [] };
    return { result: { text: renderFailure(explainOutcome(outcome, limits), nested.printed, around), isError: true } };
  };
}

function jobOf(state: RunState, limits: RunLimits, owner: string, artifacts: string | undefined): Job {
  const { code, servers, stop, hasArtifacts } = state;
  return {
    ...{ code, servers, limits, owner },
    // A run that goes on reads what it read when it began.
    artifacts: hasArtifacts ? (artifacts ?? '{}') : undefined,
    resume: stop && {
      continuation: stop.continuation,
      resolutions: stop.waits.map(({ id }) => ({ interruptionId: id, value: true })),
    },
  };
}

function stopped(
  state: RunState,
  { continuation, interruptions }: Extract<Outcome, { status: 'interrupted' }>,
  { made, printed }: NestedCalls,
): RunState {
  // Made by nested-calls.ts, and only passed through the sandbox.
  const waits = interruptions.map(({ id, payload }) => ({ id, approval: payload as ApprovalNotice }));
  return { ...state, made, printed, stop: { continuation, waits } };
}

function notesOn(session: string | undefined, saved: SavedArtifacts | undefined): string[] {
  if (saved === undefined) return ['Artifacts could not be kept: the database of the gateway cannot be used now'];
  const { kept, lost } = saved;
  const again = session === undefined ? '' : ` (to have them in the next run, send "session": "${session}")`;
  return [
    ...(kept.length === 0 ? [] : [`Artifacts: ${kept.join(', ')}${again}`]),
    ...(lost.length === 0 ? [] : [`Artifacts that were too large to keep: ${lost.join(', ')}`]),
  ];
}

function limitsOf(settings: ReturnType<ExecuteDeps['settings']>, { calls, output }: RunState): RunLimits {
  return {
    timeoutMs: settings.mcp_code_mode_timeout * 1000,
    memoryBytes: settings.mcp_code_mode_memory * 1024 ** 2,
    calls,
    output,
  };
}
