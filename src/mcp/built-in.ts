import type { Reply } from '../lib/json-rpc.ts';
import type { TraceContext } from '../lib/trace-context.ts';
import type { McpClient } from '../store/mcp-clients.ts';
import type { ClientRequest } from './client-side.ts';
import type { Upstream } from './upstream/upstream.ts';
import type { View } from './view.ts';
import type { ToolMode } from './tool-mode.ts';

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
