/** Why Anthropic stopped, in the words of chat completions. */
export function decodeStopReason(reason: string): string {
  switch (reason) {
    case 'tool_use':
      return 'tool_calls';
    case 'max_tokens':
    case 'model_context_window_exceeded':
      return 'length';
    case 'refusal':
      return 'content_filter';
    default:
      return 'stop'; // end_turn, stop_sequence, pause_turn
  }
}

/** Why a chat completion stopped, in Anthropic's words. Some providers say "stop" where tools are called. */
export function encodeStopReason(reason: string, hasCalls: boolean): string {
  switch (reason) {
    case 'length':
      return 'max_tokens';
    case 'content_filter':
      return 'refusal';
    case 'tool_calls':
    case 'function_call':
      return 'tool_use';
    default:
      return hasCalls ? 'tool_use' : 'end_turn';
  }
}
