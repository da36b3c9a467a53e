import { asAbortSignal } from '../lib/call-signal.ts';
import { GatewayError, messageOf } from '../lib/errors.ts';
import type { JsonObject, Reply } from '../lib/json-rpc.ts';
import { approvalIn } from '../mcp/approvals/refusals.ts';
import { WAIT_HEADER } from '../mcp/approvals/stay-on-line.ts';
import type { BuiltInCall } from '../mcp/built-in.ts';
import type { CallTool } from '../mcp/call-tool.ts';
import { NO_SIDE, type ClientRequest } from '../mcp/client-side.ts';
import { toRelayParams } from '../mcp/relay/relay-params.ts';
import type { CodeTool, Library } from './library.ts';
import type { Answer, NestedCall, RunLimits } from './sandbox-messages.ts';

interface NestedDeps {
  /** The call that runs the code. */
  readonly call: BuiltInCall;
  readonly library: Library;
  readonly limits: RunLimits;
  readonly callTool: CallTool;
  /** Decides about a call before it is made; undefined lets it run. */
  readonly decide: (tool: CodeTool) => Answer | undefined;
  /** What the run did before it stopped for approval. */
  readonly before: { readonly made: number; readonly printed: string };
  readonly onError: (error: unknown) => void;
}

/** The calls that one run makes. */
export interface NestedCalls {
  /** Answers one of them. Never rejects. */
  answer(call: NestedCall): Promise<Answer>;
  /** The run is over: what it left running ends. */
  end(): void;
  /** What the code had printed at its last call. */
  readonly printed: string;
  /** How many calls it has made; those that wait are not among them. */
  readonly made: number;
  /** What a call failed of that its caller can do something about. */
  readonly obstacle: GatewayError | undefined;
}

/** How many calls of one run are under way at once; the others wait. */
const AT_ONCE = 8;
/** What code can take in at once. */
const MAX_RESULT = 4 * 1024 * 1024;

/** Lets code call tools as its caller: by the caller's rights, at its cost, each call with its own entry in the ledger. */
export function createNestedCalls({
  call,
  library,
  limits,
  callTool,
  decide,
  onError,
  before,
}: NestedDeps): NestedCalls {
  const { request, id } = call;
  const over = new AbortController();
  const signal = AbortSignal.any([asAbortSignal(request.signal), over.signal]);
  const waiting: (() => void)[] = [];
  let count = before.made;
  let underWay = 0;
  let { printed } = before;
  let obstacle: GatewayError | undefined;

  async function inTurn(run: () => Promise<Answer>): Promise<Answer> {
    if (underWay >= AT_ONCE) await new Promise<void>((resolve) => waiting.push(resolve));
    else underWay += 1;
    try {
      return await run();
    } finally {
      // The place goes straight to who waits.
      const next = waiting.shift();
      if (next === undefined) underWay -= 1;
      else next();
    }
  }

  async function run(tool: CodeTool, args: string): Promise<Answer> {
    if (over.signal.aborted) return failed('call_cancelled', 'the run is over');
    try {
      const { name, own } = tool;
      return readReply(await callTool(name, nestedRequest(args)), own);
    } catch (error) {
      if (!(error instanceof GatewayError)) {
        onError(error);
        return failed('internal_error', 'internal error');
      }
      if (error.code === 'mcp_auth_required') obstacle = error;
      const approval = approvalIn(error);
      if (approval !== undefined) {
        count -= 1;
        return { kind: 'interrupt', payload: approval };
      }
      return failed(error.code, messageOf(error));
    }
  }

  function nestedRequest(args: string): ClientRequest {
    const { caller, side, audience } = request;
    // While a call waits on the line, the time of the run would pass.
    const { [WAIT_HEADER]: _, ...headers } = request.headers;
    return {
      ...{ caller, headers, signal, method: 'tools/call', source: 'code', parent: id },
      params: toRelayParams(args),
      // Nobody can be asked anything while code runs.
      side: { ...NO_SIDE, clientInfo: side.clientInfo },
      audience: { ...audience, profile: undefined },
      ...(call.trace && { trace: call.trace }),
    };
  }

  return {
    async answer(nested) {
      // A call that waited is made once more, with what was printed before it the first time.
      if (nested.resolution === undefined) printed = (printed + nested.printed).slice(0, limits.output);
      count += 1;
      if (count > limits.calls) return failed('too_many_calls', `this run has made its ${limits.calls} calls`);
      const { found: tool, ...rest } = library.findTool(nested.server, nested.tool);
      if (tool === undefined) return failed('unknown_tool', 'message' in rest ? rest.message : '');
      const args = checkArguments(nested.args);
      if (args === undefined) return failed('invalid_request', 'the arguments of a tool are one object');
      return decide(tool) ?? inTurn(() => run(tool, args));
    },
    end() {
      over.abort();
      for (const next of waiting.splice(0)) next();
    },
    get printed() {
      return printed;
    },
    get made() {
      return count;
    },
    get obstacle() {
      return obstacle;
    },
  };
}

function failed(code: string, message: string): Answer {
  return { kind: 'error', code, message };
}

function readReply(reply: Reply, tool: string): Answer {
  if (reply.bytes.length > MAX_RESULT)
    return failed('result_too_large', `${tool} answered ${reply.bytes.length} bytes; code can take ${MAX_RESULT}`);
  const json = reply.bytes.toString();
  if (reply.kind === 'result') return { kind: 'result', json };
  const { code, message } = JSON.parse(json) as JsonObject; // a border: the server's own error
  return failed(
    `rpc_error ${Number(code)}`,
    typeof message === 'string' ? message : 'the server answered with an error',
  );
}

/** The JSON text of an object on one line; undefined if it is anything else. */
function checkArguments(text: string): string | undefined {
  try {
    const value = JSON.parse(text) as unknown;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
    // Inside checked JSON a line break is only white space, but to a stdio server it would end the message.
    return text.replaceAll(/[\r\n]+/g, ' ');
  } catch {
    return undefined;
  }
}
