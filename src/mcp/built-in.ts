import { GatewayError } from '../lib/errors.ts';
import type { Reply } from '../lib/json-rpc.ts';
import type { TraceContext } from '../lib/trace-context.ts';
import type { McpClient } from '../store/mcp-clients.ts';
import type { ClientRequest } from './client-side.ts';
import type { View } from './offering.ts';
import type { Upstream } from './upstream/upstream.ts';
import type { CallerHeaders } from './relay/forwarded-headers.ts';

/**
 * How a caller wants tools listed: all of them to be called from code, none of them but to be searched for, or one by one; else each
 * server is as it is set.
 */
export type ToolMode = 'code' | 'search' | 'tools';

const MODES: readonly string[] = ['code', 'search', 'tools'] satisfies readonly ToolMode[];

/** One call of a built-in tool. */
export interface BuiltInCall {
  /** What the caller sees. */
  readonly view: View;
  readonly request: ClientRequest;
  /** Id of its ledger entry. */
  readonly id: string;
  readonly trace: TraceContext | undefined;
}

/** Tools that the gateway itself offers. They stand for those of some servers, which then are not listed one by one. */
export interface BuiltIns {
  /** What the log names as their server. */
  readonly label: string;
  readonly names: ReadonlySet<string>;
  /** Whether they stand for the tools of a server. */
  folds(client: McpClient, mode: ToolMode | undefined): boolean;
  /** Their definitions, as JSON texts, when they stand for these servers; none when for none. */
  definitions(folded: readonly Upstream[]): readonly string[];
  run(name: string, call: BuiltInCall): Promise<Reply>;
}

/** Says how tools are to be listed; `/mcp` also takes it as `?mode=`. */
export const TOOL_MODE_HEADER = 'x-asbru-tool-mode';

/** Reads how the caller wants tools listed. */
export function readToolMode(headers: CallerHeaders): ToolMode | undefined {
  const mode = headers[TOOL_MODE_HEADER];
  if (mode === undefined) return undefined;
  if (typeof mode === 'string' && MODES.includes(mode)) return mode as ToolMode; // one of the list
  throw new GatewayError(
    'invalid_request',
    `mode: must be "code", "search" or "tools"; leave ?mode= or ${TOOL_MODE_HEADER} out for none of them`,
  );
}
