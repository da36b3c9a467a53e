import type { ClientSettings } from '../contract/config.ts';
import type { Caller } from '../governance/caller.ts';
import { GatewayError } from '../lib/errors.ts';
import type { JsonRpcNotification, Reply } from '../lib/json-rpc.ts';
import type { McpClient } from '../store/mcp-clients.ts';
import { writeToolCall, type CallParams } from './call-params.ts';
import type { Catalog } from './catalog.ts';
import { forwardedHeaders, type CallerHeaders } from './forwarded-headers.ts';

/** One tool call by one caller, whichever way it came. */
export interface ToolCall {
  readonly params: CallParams;
  /** The HTTP headers that came with it; a server may want some of them (`allowed_extra_headers`). */
  readonly headers: CallerHeaders;
  /** Aborted when the caller gives up. */
  readonly signal: AbortSignal;
  readonly onProgress?: (notification: JsonRpcNotification) => void;
}

export type CallTool = (caller: Caller, call: ToolCall) => Promise<Reply>;

interface CallToolDeps {
  readonly catalog: Catalog;
  readonly settings: () => ClientSettings;
}

/**
 * Runs one tool call. Every way to a tool goes through here: /mcp and the REST route now, chat and code mode later. The reply is
 * the server's own bytes. Throws `mcp_tool_not_found`, `upstream_…` and `call_cancelled`.
 */
export function createCallTool({ catalog, settings }: CallToolDeps): CallTool {
  return async (_caller, { params, headers, signal, onProgress }) => {
    const entry = catalog.view().entries.get(params.name);
    if (entry === undefined)
      throw new GatewayError('mcp_tool_not_found', `tool '${params.name}' is not available or not permitted`);
    const { upstream, tool } = entry;
    const seconds = upstream.client.tool_execution_timeout || settings().mcp_tool_execution_timeout;
    using deadline = createDeadline(signal, seconds, params.name);
    return await upstream.call(
      {
        method: 'tools/call',
        message: (id) => writeToolCall(id, tool.name, params),
        headers: extraHeaders(upstream.client, headers),
        onNotification: params.progressToken === undefined ? undefined : onProgress,
      },
      deadline.signal,
    );
  };
}

function extraHeaders(client: McpClient, headers: CallerHeaders): Record<string, string> | undefined {
  return client.allowed_extra_headers.length === 0 ? undefined : forwardedHeaders(client, headers);
}

/** The caller's signal and a time limit in one; the reason tells which of them it was. */
function createDeadline(caller: AbortSignal, seconds: number, tool: string): Disposable & { signal: AbortSignal } {
  const controller = new AbortController();
  const onAbort = (): void => controller.abort(new GatewayError('call_cancelled', 'the caller cancelled the call'));
  const timer = setTimeout(
    () => controller.abort(new GatewayError('upstream_timeout', `timed out after ${seconds}s: ${tool}`)),
    Math.min(seconds * 1_000, 2 ** 31 - 1),
  );
  if (caller.aborted) onAbort();
  else caller.addEventListener('abort', onAbort);
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearTimeout(timer);
      caller.removeEventListener('abort', onAbort);
    },
  };
}
