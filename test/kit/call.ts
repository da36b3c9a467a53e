import type { CallEnd, CallStart } from '../../src/store/ledger-rows.ts';

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
