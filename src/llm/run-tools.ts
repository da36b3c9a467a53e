import type { Caller } from '../governance/caller.ts';
import type { CallSignal } from '../lib/call-signal.ts';
import { GatewayError, messageOf } from '../lib/errors.ts';
import type { JsonObject, JsonValue } from '../lib/json-rpc.ts';
import type { Audience } from '../mcp/audience.ts';
import type { CallTool } from '../mcp/call-tool.ts';
import { approvalIn } from '../mcp/approvals/refusals.ts';
import { NO_SIDE } from '../mcp/client-side.ts';
import { flattenResult } from '../mcp/flatten-result.ts';
import type { CallerHeaders } from '../mcp/relay/forwarded-headers.ts';
import { toRelayParams } from '../mcp/relay/relay-params.ts';
import { asObject, textOf } from '../lib/json-value.ts';
import { READ_RESULT } from '../mcp/results/read-result.ts';
import type { Results } from '../mcp/results/results.ts';
import { unwrap } from '../mcp/search/call-through.ts';
import { CALL_TOOL } from '../mcp/search/meta-tools.ts';
import type { ToolCall, ToolResult } from './dialects/dialect.ts';

/** On whose behalf tools run. */
export interface ToolScope {
  readonly caller: Caller;
  readonly headers: CallerHeaders;
  readonly audience: Audience;
  readonly signal: CallSignal;
  /** Id of the model request that led to the calls, under which their log rows are found. */
  readonly requestId: string;
}

/**
 * Runs calls of one answer, all at once. A failure is a text for the model to read; a call may also wait for a person, who is to
 * approve it or to sign in.
 */
export type RunTools = (calls: readonly ToolCall[], scope: ToolScope) => Promise<ToolResult[]>;

/** Throws `call_cancelled` when nobody waits any more. */
export function createRunTools(callTool: CallTool, results: Pick<Results, 'keep' | 'limit'>): RunTools {
  async function run(call: ToolCall, { caller, headers, audience, signal, requestId }: ToolScope): Promise<ToolResult> {
    try {
      const reply = await callTool(call.name, {
        caller,
        method: 'tools/call',
        params: toRelayParams(checkArguments(call.arguments)),
        headers: { ...headers, 'x-bf-parent-request-id': requestId },
        signal,
        side: NO_SIDE,
        audience,
        source: 'agent',
      });
      const value = JSON.parse(reply.bytes.toString()) as JsonObject; // checked when it came
      if (reply.kind === 'error') return failed(call, textOf(value.message));
      const text = flattenResult(value, call.name);
      const kept = await keepLarge(text, value, call, caller);
      return kept ?? { call, text, isError: reply.isError };
    } catch (error) {
      if (signal.aborted) throw error;
      if (isSignIn(error)) return signInFirst(call, error);
      if (approvalIn(error) !== undefined) return waiting(call, error as GatewayError);
      return failed(call, error instanceof GatewayError ? messageOf(error) : 'internal error');
    }
  }

  /** What is too large for a model is kept, and it reads on as it needs; what it reads is never too large. */
  async function keepLarge(
    text: string,
    value: JsonObject,
    call: ToolCall,
    { principal }: Caller,
  ): Promise<ToolResult | undefined> {
    const { limit } = results;
    if (limit === 0 || call.name === READ_RESULT || Buffer.byteLength(text) <= limit) return undefined;
    const whole = value.structuredContent === undefined ? undefined : JSON.stringify(value);
    const kept = await results.keep(text, whole, { tool: call.name, principal });
    return kept && { call, text: kept.notice, isError: value.isError === true, isKept: true };
  }

  return async (calls, scope) => Promise.all(calls.map(async (call) => wellFormed(await run(call, scope))));
}

/** Providers refuse a whole conversation for half a letter in it, as where a server has cut a text. */
function wellFormed(result: ToolResult): ToolResult {
  return { ...result, text: result.text.toWellFormed() };
}

function isSignIn(error: unknown): error is GatewayError {
  return error instanceof GatewayError && error.code === 'mcp_auth_required';
}

/** Without the link, which opens the form for whoever has it: a text of a model is kept, and sent on. */
function signInFirst(call: ToolCall, refusal: GatewayError): ToolResult {
  const text = `The call of "${call.name}" has not run: ${messageOf(refusal)}. The answer to it at POST /v1/mcp/tool/execute says where.`;
  return { call, text, isError: true, waits: call, refusal };
}

/** The same call is to be sent again; code that has begun goes on with what it has done, so that nothing of it runs twice. */
function waiting(call: ToolCall, { message, details }: GatewayError): ToolResult {
  const continuation = details?.continuation;
  if (typeof continuation !== 'string') return { call, text: message, isError: true, waits: call };
  const rest = { continuation };
  const args = call.name === CALL_TOOL ? { name: unwrap(call.arguments).name, arguments: rest } : rest;
  return { call, text: message, isError: true, waits: { ...call, arguments: JSON.stringify(args) } };
}

function failed(call: ToolCall, reason: string): ToolResult {
  return { call, text: `Error executing tool ${call.name}: ${reason}`, isError: true };
}

/** What a model writes is not always JSON. */
function checkArguments(text: string): string {
  if (text.trim() === '') return '{}';
  let value: JsonValue;
  try {
    value = JSON.parse(text) as JsonValue;
  } catch (error) {
    throw new GatewayError('invalid_request', `the arguments are not JSON: ${messageOf(error)}`, { cause: error });
  }
  if (asObject(value) === undefined) throw new GatewayError('invalid_request', 'the arguments must be a JSON object');
  return text.replaceAll(/[\r\n]+/g, ' ');
}
