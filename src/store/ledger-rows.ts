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

/** What is known of a request to a model when it begins. Each round of an agent and each fallback is one. */
export interface LlmStart {
  /** Made here, whatever request id the caller sends. */
  readonly id: string;
  /** The first request of the same agent run or chain of fallbacks. */
  readonly parent_request_id: string | undefined;
  /** 0 for the target that was asked first. */
  readonly fallback_index: number;
  /** Epoch milliseconds. */
  readonly timestamp: number;
  /** Kind of request: "chat_completion", "responses", "messages", "embedding". */
  readonly object: string;
  readonly provider: string;
  /** As the provider names it. */
  readonly model: string;
  /** As the caller named it, where that differs. */
  readonly alias: string | undefined;
  readonly stream: boolean;
  readonly principal: string;
  readonly virtual_key_id: string | undefined;
  readonly virtual_key_name: string | undefined;
  readonly team_id: string | undefined;
  readonly team_name: string | undefined;
  readonly customer_id: string | undefined;
  readonly customer_name: string | undefined;
  readonly user_agent: string | undefined;
  /** `x-request-id` as the caller sent it: for correlation only. */
  readonly request_id: string | undefined;
  /** JSON text of messages or input; undefined when content is not logged. */
  readonly input: string | undefined;
  /** JSON text of all other parameters, tools left out. */
  readonly params: string | undefined;
  /** JSON text of the tools. */
  readonly tools: string | undefined;
  readonly metadata: Readonly<Record<string, unknown>> | undefined;
}

/** Tokens of one answer. */
export interface TokenUsage {
  /** All that went in, cached ones included. */
  readonly prompt_tokens: number;
  readonly completion_tokens: number;
  readonly total_tokens: number;
  readonly cached_read_tokens: number;
  readonly cached_write_tokens: number;
  readonly reasoning_tokens: number;
  /** True when the provider said nothing and the gateway counted characters. */
  readonly is_estimate: boolean;
}

/** How a request to a model ended. */
export interface LlmEnd {
  readonly status: 'success' | 'error';
  /** Milliseconds. */
  readonly latency: number;
  /** Milliseconds until the first byte of the answer; undefined when none came. */
  readonly first_byte: number | undefined;
  readonly usage: TokenUsage | undefined;
  /** Nano-dollars; undefined: nobody knows the price. */
  readonly cost: number | undefined;
  readonly stop_reason: string | undefined;
  /** JSON text of the answer's message or output; undefined when content is not logged, or there is none. */
  readonly output: string | undefined;
  readonly error: { readonly code: string; readonly message: string } | undefined;
  readonly number_of_retries: number;
  readonly selected_key_id: string | undefined;
  readonly selected_key_name: string | undefined;
}

/** Something was used of a budget or limit. */
export interface Charge {
  /** Id of a budget; `<rate limit id>:requests` or `<rate limit id>:tokens`. */
  readonly counter_id: string;
  /** The window that it counts for, epoch milliseconds. */
  readonly window_start: number;
  /** Nano-dollars, requests or tokens, whole. */
  readonly amount: number;
  /** What of the amount was not used but set to zero, and so is negative. */
  readonly reset?: number | undefined;
}

/** What is used of a budget or limit, by all processes together. */
export interface CounterState {
  readonly counter_id: string;
  readonly window_start: number;
  readonly used: number;
}
