import type { ClientSettings } from '../contract/config.ts';
import { GatewayError } from '../lib/errors.ts';
import type { Reply } from '../lib/json-rpc.ts';
import type { BuiltInCall } from '../mcp/built-in.ts';
import type { CallTool } from '../mcp/call-tool.ts';
import { decideNested } from './approval.ts';
import type { Artifacts } from './artifacts.ts';
import { explainError, explainOutcome } from './explain-failure.ts';
import type { Library } from './library.ts';
import { createNestedCalls } from './nested-calls.ts';
import { renderEnd, renderFailure, type Surroundings } from './render-run.ts';
import type { Sandbox } from './sandbox.ts';
import type { RunLimits } from './sandbox-messages.ts';

type CodeSettings = Pick<
  ClientSettings,
  'mcp_code_mode_timeout' | 'mcp_code_mode_memory' | 'mcp_code_mode_max_calls' | 'mcp_code_mode_max_output'
>;

export interface RunCodeDeps {
  readonly sandbox: Pick<Sandbox, 'run'>;
  readonly artifacts: Artifacts;
  readonly callTool: CallTool;
  readonly settings: () => CodeSettings;
  readonly onError: (error: unknown) => void;
}

/** What a caller sends to executeToolCode. */
export interface CodeInput {
  readonly code: string;
  readonly session: string | undefined;
}

/** What the run says, and whether it failed. */
export interface CodeResult {
  readonly text: string;
  readonly isError: boolean;
}

/** Runs code of a caller over the tools of a library. Throws what keeps it from running, and that a caller must sign in first. */
export function createRunCode({ sandbox, artifacts, callTool, settings, onError }: RunCodeDeps) {
  return async (call: BuiltInCall, library: Library, input: CodeInput): Promise<CodeResult> => {
    const { request } = call;
    const { principal } = request.caller;
    const limits = limitsOf(settings());
    const session = sessionOf(call, input.session, artifacts);
    const nested = createNestedCalls({ call, library, limits, callTool, decide: decideNested, onError });
    const job = {
      ...{ code: input.code, limits, owner: principal, resume: undefined },
      servers: library.servers.map(({ identifier }) => identifier),
      artifacts: artifacts.load(session.key),
    };
    const outcome = await sandbox.run(job, nested.answer, request.signal).finally(() => nested.end());
    const around = (notes: readonly string[]): Surroundings => ({ servers: job.servers, notes });
    if (outcome.status === 'interrupted') throw new GatewayError('internal_error', 'nobody can resume this run');
    if (outcome.status === 'failed')
      return { text: renderFailure(explainOutcome(outcome, limits), nested.printed, around([])), isError: true };

    const { report } = outcome;
    const lost = artifacts.save(session.key, report.artifacts);
    const notes = around(notesOn(session, artifacts.list(session.key), lost));
    if (report.error === undefined) return renderEnd(report, notes);
    if (report.error.code === 'mcp_auth_required' && nested.obstacle !== undefined) throw nested.obstacle;
    const failure = explainError(report.error, library, limits);
    return { text: renderFailure(failure, report.output, notes, report.isCut), isError: true };
  };
}

interface Session {
  readonly key: string;
  /** What the caller must send to come back to it; undefined: nothing. */
  readonly name: string | undefined;
}

/** Artifacts belong to a session of the caller: that of its connection, or one that an earlier run began. */
function sessionOf({ request }: BuiltInCall, asked: string | undefined, artifacts: Artifacts): Session {
  const { side, caller, headers } = request;
  const header = headers['x-bf-mcp-session-id'];
  const own = side.sessionKey ?? (typeof header === 'string' && header !== '' ? header : undefined);
  const keyOf = (kind: string, name: string): string => `${kind}\n${caller.principal}\n${name}`;
  if (asked !== undefined) {
    const key = keyOf('begun', asked);
    if (artifacts.load(key) === undefined)
      throw new GatewayError('invalid_request', 'session: unknown or forgotten; leave it out to begin a new one');
    return { key, name: asked };
  }
  if (own !== undefined) return { key: keyOf('connection', own), name: undefined };
  const name = artifacts.begin();
  return { key: keyOf('begun', name), name };
}

function notesOn({ name }: Session, kept: readonly string[], lost: readonly string[]): string[] {
  const again = name === undefined ? '' : ` (to have them in the next run, send "session": "${name}")`;
  return [
    ...(kept.length === 0 ? [] : [`Artifacts: ${kept.join(', ')}${again}`]),
    ...(lost.length === 0 ? [] : [`Artifacts that were too large to keep: ${lost.join(', ')}`]),
  ];
}

function limitsOf(settings: CodeSettings): RunLimits {
  return {
    timeoutMs: settings.mcp_code_mode_timeout * 1000,
    memoryBytes: settings.mcp_code_mode_memory * 1024 ** 2,
    calls: settings.mcp_code_mode_max_calls,
    output: settings.mcp_code_mode_max_output,
  };
}

/** A text as the result of a tool. */
export function toReply({ text, isError }: CodeResult, isModern: boolean): Reply {
  const head = isModern ? { resultType: 'complete' } : {};
  const bytes = Buffer.from(
    JSON.stringify({ ...head, content: [{ type: 'text', text }], ...(isError && { isError }) }),
  );
  return { kind: 'result', bytes, isError, hasResultType: isModern };
}
