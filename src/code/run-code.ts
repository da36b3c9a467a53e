import type { ClientSettings } from '../contract/client-settings.ts';
import { GatewayError } from '../lib/errors.ts';
import type { Reply } from '../lib/json-rpc.ts';
import type { Approvals } from '../mcp/approvals/approvals.ts';
import { runWaits } from '../mcp/approvals/refusals.ts';
import { waitsUntil } from '../mcp/approvals/stay-on-line.ts';
import type { BuiltInCall } from '../mcp/built-in.ts';
import type { Artifacts } from './artifacts.ts';
import { createExecute, type ExecuteDeps } from './execute.ts';
import type { KeptRuns, RunState } from './kept-runs.ts';
import type { Library } from './library.ts';
import { renderWaiting } from './render-run.ts';

type CodeSettings = Pick<
  ClientSettings,
  'mcp_code_mode_timeout' | 'mcp_code_mode_memory' | 'mcp_code_mode_max_calls' | 'mcp_code_mode_max_output'
>;

export interface RunCodeDeps extends Omit<ExecuteDeps, 'settings'> {
  readonly kept: KeptRuns;
  readonly approvals: Pick<Approvals, 'settle' | 'takeAnswer'>;
  readonly settings: () => CodeSettings;
}

/** What a caller sends to executeToolCode. */
export interface CodeInput {
  readonly code: string | undefined;
  readonly session: string | undefined;
  /** The run to go on with. */
  readonly continuation: string | undefined;
}

/** What the run says, and whether it failed; or a question to the client's user. */
export type CodeResult =
  | { readonly text: string; readonly isError: boolean; readonly meta?: object }
  | { readonly reply: Reply };

/** A run on its way. */
interface Run {
  readonly name: string;
  readonly state: RunState;
  /** Approvals that the user of this request was asked for. */
  readonly asked: Set<string>;
}

/**
 * Runs code of a caller over the tools of a library, or goes on with a run that stopped. Where calls wait for approval the run
 * stops and is kept: at once, if somebody can be asked now, else when the caller comes back with its name. Throws what keeps it
 * from running, and that a caller must sign in first.
 */
export function createRunCode(deps: RunCodeDeps) {
  const { kept, approvals, artifacts, settings } = deps;
  const execute = createExecute(deps);

  async function begin(call: BuiltInCall, library: Library, { code, session: asked }: CodeInput): Promise<Run> {
    if (code === undefined) throw new GatewayError('invalid_request', 'code: must be a text that is not empty');
    const { hasArtifacts, ...session } = await sessionOf(call, asked, artifacts);
    const { mcp_code_mode_max_calls: calls, mcp_code_mode_max_output: output } = settings();
    const state: RunState = {
      ...{ code, session, calls, output, made: 0, printed: '', isReviewed: call.request.source === 'rest' },
      servers: library.servers.map(({ identifier }) => identifier),
      hasArtifacts,
    };
    return { name: kept.begin(), state, asked: new Set() };
  }

  /** A run that stopped. The calls that it makes from now on are those of this request. */
  async function comeBack({ request }: BuiltInCall, input: CodeInput): Promise<Run | undefined> {
    const answered = await approvals.takeAnswer(request);
    const name = answered?.name ?? input.continuation;
    if (name === undefined) return undefined;
    const state = await kept.find(name, request.caller.principal);
    // A modern client sends its request again as it was, so that the code is there once more.
    if (input.code !== undefined && input.code !== state.code)
      throw new GatewayError('invalid_request', 'code: is not that of the run to continue; leave it out');
    const isReviewed = state.isReviewed && request.source === 'rest';
    return { name, state: { ...state, isReviewed }, asked: new Set(answered?.asked) };
  }

  return async (call: BuiltInCall, library: Library, input: CodeInput): Promise<CodeResult> => {
    const { request } = call;
    const { principal } = request.caller;
    const until = waitsUntil(request.headers);
    const { name, state: first, asked } = (await comeBack(call, input)) ?? (await begin(call, library, input));
    let state = first;
    // What stopped goes on only when there is something new for it.
    let isWaiting = first.stop !== undefined;
    for (;;) {
      if (!isWaiting) {
        const before = state;
        const step = await execute(call, library, before, () => kept.keep(name, principal, before));
        if ('result' in step) return step.result;
        ({ state } = step);
        await kept.keep(name, principal, state);
      }
      const ids = state.stop?.waits.map(({ approval }) => approval.id) ?? [];
      const settled = await approvals.settle(request, { ids, run: name, asked, until });
      if (settled.kind === 'question') return { reply: settled.reply };
      if (settled.kind === 'waiting') return waiting(name, state, call);
      await kept.take(name);
      isWaiting = false;
    }
  };
}

/** To a model's loop it is a refusal: that cannot wait, and leaves the call to its caller. */
function waiting(name: string, { stop, printed }: RunState, { request }: BuiltInCall): CodeResult {
  const notices = (stop?.waits ?? []).map(({ approval }) => approval);
  if (request.source === 'agent') throw runWaits(notices, name);
  const meta = { 'asbru/waiting': { continuation: name, approvals: notices } };
  return { text: renderWaiting(notices, name, printed), isError: false, meta };
}

/** Artifacts belong to a session of the caller: that of its connection, or one that an earlier run began. */
async function sessionOf(
  { request }: BuiltInCall,
  asked: string | undefined,
  artifacts: Artifacts,
): Promise<{ readonly key: string; readonly name?: string; readonly hasArtifacts: boolean }> {
  const { side, caller, headers } = request;
  const header = headers['x-bf-mcp-session-id'];
  const own = side.sessionKey ?? (typeof header === 'string' && header !== '' ? header : undefined);
  const keyOf = (kind: string, name: string): string => `${kind}\n${caller.principal}\n${name}`;
  if (asked !== undefined) {
    const key = keyOf('begun', asked);
    if (!(await artifacts.has(key)))
      throw new GatewayError('invalid_request', 'session: unknown or forgotten; leave it out to begin a new one');
    return { key, name: asked, hasArtifacts: true };
  }
  if (own !== undefined) {
    const key = keyOf('connection', own);
    return { key, hasArtifacts: await artifacts.has(key) };
  }
  const name = artifacts.begin();
  return { key: keyOf('begun', name), name, hasArtifacts: false };
}
