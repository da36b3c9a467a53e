import type { CallEnd, CallStart, LlmEnd, LlmStart, TokenUsage } from '../../src/store/ledger-rows.ts';

let last = 0;

/** The beginning of a call, with an id of its own. */
export function callStart(more: Partial<CallStart> = {}): CallStart {
  last += 1;
  return {
    id: `call-${last}`,
    timestamp: 1_750_000_000_000,
    tool_name: 'echo',
    server_label: 'files',
    client_id: 'client-1',
    principal: 'virtual-key:k1',
    virtual_key_id: 'k1',
    virtual_key_name: 'Key one',
    team_id: undefined,
    team_name: undefined,
    customer_id: undefined,
    customer_name: undefined,
    source: 'mcp',
    app: undefined,
    user_agent: undefined,
    request_id: undefined,
    llm_request_id: undefined,
    arguments: undefined,
    metadata: undefined,
    ...more,
  };
}

/** The end of a call that went well. */
export function callEnd(more: Partial<CallEnd> = {}): CallEnd {
  return { status: 'success', latency: 10, cost: 0, result: undefined, error: undefined, ...more };
}

/** The beginning of a request to a model, with an id of its own. */
export function llmStart(more: Partial<LlmStart> = {}): LlmStart {
  last += 1;
  return {
    id: `request-${last}`,
    parent_request_id: undefined,
    fallback_index: 0,
    timestamp: 1_750_000_000_000,
    object: 'chat_completion',
    provider: 'openai',
    model: 'gpt-5',
    alias: undefined,
    stream: false,
    principal: 'virtual-key:k1',
    virtual_key_id: 'k1',
    virtual_key_name: 'Key one',
    team_id: undefined,
    team_name: undefined,
    customer_id: undefined,
    customer_name: undefined,
    user_agent: undefined,
    request_id: undefined,
    input: undefined,
    params: undefined,
    tools: undefined,
    metadata: undefined,
    ...more,
  };
}

/** Tokens of an answer. */
export function tokenUsage(more: Partial<TokenUsage> = {}): TokenUsage {
  return {
    ...{ prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 },
    ...{ cached_read_tokens: 0, cached_write_tokens: 0, reasoning_tokens: 0, is_estimate: false },
    ...more,
  };
}

/** The end of a request to a model that went well. */
export function llmEnd(more: Partial<LlmEnd> = {}): LlmEnd {
  return {
    status: 'success',
    latency: 800,
    first_byte: undefined,
    usage: tokenUsage(),
    cost: 0,
    stop_reason: 'stop',
    output: undefined,
    error: undefined,
    number_of_retries: 0,
    selected_key_id: undefined,
    selected_key_name: undefined,
    ...more,
  };
}
