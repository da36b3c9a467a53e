import { GatewayError } from '../lib/errors.ts';
import type { Reply } from '../lib/json-rpc.ts';
import type { Catalog, View } from './catalog.ts';
import type { ClientRequest } from './client-side.ts';
import { checkMirrored } from './relay/mirror-params.ts';
import type { Relay } from './relay/relay.ts';
import { createRelist } from './upstream/relist.ts';
import { rewriteReply } from './rewrite.ts';
import type { Tasks } from './tasks.ts';

/** Runs `request`, a tools/call, for the tool with that public name. */
export type CallTool = (name: string, request: ClientRequest) => Promise<Reply>;

interface CallToolDeps {
  readonly catalog: Catalog;
  readonly relay: Relay;
  readonly tasks: Pick<Tasks, 'wrap'>;
}

/**
 * Runs one tool call. Every way to a tool goes through here: /mcp and the REST route now, chat and code mode later. The reply is
 * the server's own bytes. Throws `mcp_tool_not_found`, `header_mismatch`, `upstream_…` and `call_cancelled`.
 */
export function createCallTool({ catalog, relay, tasks }: CallToolDeps): CallTool {
  const relist = createRelist();

  async function run({ tools, resources }: View, name: string, request: ClientRequest): Promise<Reply> {
    const entry = tools.get(name);
    if (entry === undefined)
      throw new GatewayError('mcp_tool_not_found', `tool '${name}' is not available or not permitted`);
    const { upstream, own, paramHeaders } = entry;
    if (paramHeaders.length > 0 && request.side.era === 'modern') checkMirrored(paramHeaders, request);
    const target = { upstream, name: own, replace: { name: JSON.stringify(own) }, label: name, paramHeaders };
    const reply = await relay(target, request);
    return tasks.wrap(rewriteReply(reply, resources.renames(upstream)), upstream, request);
  }

  return async (name, request) => {
    const view = catalog.view(request.side.profile);
    const reply = await run(view, name, request);
    if (reply.kind === 'result') return reply;
    const before = view.tools.get(name);
    if (before === undefined || !(await relist(before.upstream, reply))) return reply;
    // The tool may want other headers than it did. Nothing ran, so the call may be sent again.
    const renewed = catalog.view(request.side.profile);
    return renewed.tools.get(name)?.paramHeaders === before.paramHeaders ? reply : run(renewed, name, request);
  };
}
