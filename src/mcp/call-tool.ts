import { GatewayError } from '../lib/errors.ts';
import type { Reply } from '../lib/json-rpc.ts';
import type { Catalog } from './catalog.ts';
import type { ClientRequest } from './client-side.ts';
import type { Relay } from './relay.ts';
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
 * the server's own bytes. Throws `mcp_tool_not_found`, `upstream_…` and `call_cancelled`.
 */
export function createCallTool({ catalog, relay, tasks }: CallToolDeps): CallTool {
  return async (name, request) => {
    const { tools, resources } = catalog.view(request.side.profile);
    const entry = tools.get(name);
    if (entry === undefined)
      throw new GatewayError('mcp_tool_not_found', `tool '${name}' is not available or not permitted`);
    const { upstream, own } = entry;
    const reply = await relay({ upstream, name: own, replace: { name: JSON.stringify(own) }, label: name }, request);
    return tasks.wrap(rewriteReply(reply, resources.renames(upstream)), upstream, request);
  };
}
