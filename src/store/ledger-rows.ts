/** Where a call came from. */
export type CallSource = 'mcp' | 'rest' | 'agent' | 'code';

/** What is known of a tool call when it begins. */
export interface CallStart {
  /** Made here, whatever request id the caller sends: the key of the one ledger entry of this call. */
  readonly id: string;
  /** Epoch milliseconds. */
  readonly timestamp: number;
  /** The server's own name of the tool. */
  readonly tool_name: string;
  /** Name of the client record; undefined when no server has such a tool. */
  readonly server_label: string | undefined;
  readonly client_id: string | undefined;
  /** Who called, such as "virtual-key:…" or "api-key:3". */
  readonly principal: string;
  readonly virtual_key_id: string | undefined;
  readonly virtual_key_name: string | undefined;
  readonly team_id: string | undefined;
  readonly team_name: string | undefined;
  readonly customer_id: string | undefined;
  readonly customer_name: string | undefined;
  readonly source: CallSource;
  /** Name of the client program, from MCP's `clientInfo`. */
  readonly app: string | undefined;
  readonly user_agent: string | undefined;
  /** `x-request-id` as the caller sent it: for correlation only. */
  readonly request_id: string | undefined;
  /** `x-bf-parent-request-id`, or the request of the model loop that made the call. */
  readonly llm_request_id: string | undefined;
  /** JSON text; undefined when content is not logged. */
  readonly arguments: string | undefined;
  readonly metadata: Readonly<Record<string, unknown>> | undefined;
}

/** How a tool call ended. */
export interface CallEnd {
  readonly status: 'success' | 'error';
  /** Milliseconds. */
  readonly latency: number;
  /** Nano-dollars, whole: sums stay exact. */
  readonly cost: number;
  /** JSON text of the result; undefined when content is not logged, or there is none. */
  readonly result: string | undefined;
  /** Why it failed: code and message. */
  readonly error: { readonly code: string; readonly message: string } | undefined;
}

/** Something was used of a budget or limit. */
export interface Charge {
  /** Id of a budget; `<rate limit id>:requests` or `<rate limit id>:tokens`. */
  readonly counter_id: string;
  /** The window that it counts for, epoch milliseconds. */
  readonly window_start: number;
  /** Nano-dollars, requests or tokens, whole. */
  readonly amount: number;
}

/** What is used of a budget or limit, by all processes together. */
export interface CounterState {
  readonly counter_id: string;
  readonly window_start: number;
  readonly used: number;
}
