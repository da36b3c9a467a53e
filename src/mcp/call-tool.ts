import type { Spend } from '../governance/spend.ts';
import { GatewayError } from '../lib/errors.ts';
import type { Reply } from '../lib/json-rpc.ts';
import type { Approvals, Demanded } from './approvals/approvals.ts';
import type { BuiltIns } from './built-in.ts';
import type { CallRecord, CallRecords } from './call-record.ts';
import type { Catalog } from './catalog.ts';
import type { ClientRequest } from './client-side.ts';
import { checkMirrored } from './relay/mirror-params.ts';
import { questionsOf } from './relay/questions.ts';
import type { Relay } from './relay/relay.ts';
import { publicNameOf } from './model-names.ts';
import { createRelist } from './upstream/relist.ts';
import { rewriteReply } from './rewrite.ts';
import type { Tasks } from './tasks.ts';
import type { ToolEntry, View } from './view.ts';

/** Runs `request`, a tools/call, for the tool with that public name. */
export type CallTool = (name: string, request: ClientRequest) => Promise<Reply>;

interface CallToolDeps {
  readonly catalog: Catalog;
  readonly relay: Relay;
  readonly tasks: Pick<Tasks, 'wrap'>;
  readonly spend: Pick<Spend, 'reserve'>;
  readonly records: Pick<CallRecords, 'begin'>;
  readonly approvals: Pick<Approvals, 'demand'>;
  readonly builtIns?: readonly BuiltIns[];
}

type Call = () => Promise<Reply>;

/** A call on its way. */
interface Passage {
  readonly view: View;
  readonly name: string;
  readonly tool: ToolEntry;
  readonly request: ClientRequest;
}

/**
 * Runs one tool call: found, allowed, approved, paid for, relayed, recorded. Every way to a tool goes through here: /mcp and the
 * REST route, models that call tools, and code. The reply is the server's own bytes. Throws `mcp_tool_not_found`, `mcp_tool_blocked`,
 * `approval_required`, `approval_denied`, `budget_exceeded`, `request_limited`, `header_mismatch`, `upstream_…` and `call_cancelled`.
 */
export function createCallTool({ catalog, relay, tasks, spend, records, approvals, builtIns }: CallToolDeps): CallTool {
  const relist = createRelist();

  function run({ name, tool, request }: Passage): Promise<Reply> {
    const { upstream, own, paramHeaders } = tool;
    const isDirect = request.side.era === 'modern' && request.isIndirect !== true;
    if (paramHeaders.length > 0 && isDirect) checkMirrored(paramHeaders, request);
    const target = { upstream, name: own, replace: { name: JSON.stringify(own) }, label: name, paramHeaders };
    return relay(target, request);
  }

  /** A reply of the server, with the addresses and ids that callers know it by. */
  function asOurs(reply: Reply, { view: { resources }, tool: { upstream }, request }: Passage): Reply {
    return tasks.wrap(rewriteReply(reply, resources.renames(upstream)), upstream, request);
  }

  /** Runs the tool, and once more if the server wants other headers than its definition said: nothing ran then. */
  async function relayed(passage: Passage): Promise<Reply> {
    const { name, tool, request } = passage;
    const reply = await run(passage);
    if (reply.kind === 'result') return asOurs(reply, passage);
    if (!(await relist(tool.upstream, reply))) return reply;
    const renewed = catalog.view(request.audience);
    const now = renewed.tools.get(name);
    if (now === undefined || now.paramHeaders === tool.paramHeaders) return reply;
    const again = { ...passage, view: renewed, tool: now };
    return asOurs(await run(again), again);
  }

  /** Pays for the call and runs it. */
  async function paid({ price }: ToolEntry, request: ClientRequest, record: CallRecord, call: Call): Promise<Reply> {
    const estimate = price.estimate(request.params.members.get('arguments'));
    const reserved = spend.reserve(request.caller.key?.limits, estimate);
    const reservation = reserved instanceof Promise ? await reserved : reserved;
    try {
      const reply = await call();
      // A call that failed, or that only asks something so far, is free.
      const isDone = reply.kind === 'result' && !reply.isError && questionsOf(reply) === undefined;
      const cost = isDone ? price.final(estimate, reply.bytes.length) : 0;
      if (isDone) reservation.settle(cost);
      record.answered(reply, cost);
      return reply;
    } finally {
      reservation.release();
    }
  }

  /** The same for a tool that wants approval. It is used up last: whoever cannot pay keeps it. */
  async function approved(demanded: Demanded, passage: Passage, record: CallRecord): Promise<Reply> {
    if (demanded.kind === 'question') {
      record.answered(demanded.reply, 0);
      return demanded.reply;
    }
    // A person takes time to decide, in which rights may have been taken away.
    const { name, request } = passage;
    const view = catalog.view(request.audience);
    const tool = view.tools.get(name);
    if (tool === undefined) throw refusal(name, request);
    return paid(tool, request, record, () =>
      demanded.run(tool, (rest) => relayed({ view, name, tool, request: rest })),
    );
  }

  /** A tool of the gateway itself: free, and on no budget; what it calls in turn is neither. */
  async function runBuiltIn(own: BuiltIns, name: string, view: View, request: ClientRequest): Promise<Reply> {
    const client = { name: own.label, client_id: undefined };
    const record = records.begin(name, { own: name, upstream: { client } }, request);
    try {
      const reply = await own.run(name, { view, request, id: record.id, trace: record.trace ?? request.trace });
      record.answered(reply, 0);
      return reply;
    } catch (error) {
      record.failed(error);
      throw error;
    }
  }

  return async (asked, request) => {
    const view = catalog.view(request.audience);
    const name = publicNameOf(view, asked);
    const tool = view.tools.get(name);
    const own = tool === undefined ? builtIns?.find(({ names }) => names.has(name)) : undefined;
    if (own !== undefined) return runBuiltIn(own, name, view, request);
    const record = records.begin(name, tool ?? catalog.findTool(name), request);
    try {
      if (tool === undefined) throw refusal(name, request);
      const traced = record.trace === undefined ? request : { ...request, trace: record.trace };
      const passage = { view, name, tool, request: traced };
      const demanded = approvals.demand(traced, tool);
      if (demanded !== undefined) return await approved(await demanded, passage, record);
      return await paid(tool, traced, record, () => relayed(passage));
    } catch (error) {
      record.failed(error);
      throw error;
    }
  };
}

/** To a virtual key, a tool that is not there and one that is not for it look the same. */
function refusal(name: string, { caller }: ClientRequest): GatewayError {
  return caller.key === undefined
    ? new GatewayError('mcp_tool_not_found', `tool '${name}' is not available or not permitted`)
    : new GatewayError('mcp_tool_blocked', `tool '${name}' is not available or not permitted for this virtual key`);
}
