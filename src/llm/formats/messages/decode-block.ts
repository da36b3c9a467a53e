import type { JsonObject } from '../../../lib/json-rpc.ts';
import { asText, defined, textOf } from '../../../lib/json-value.ts';
import { CLAUDE_THOUGHTS, writeDetail } from '../reasoning.ts';

/** A content block of Anthropic's that is being streamed. */
export interface OpenBlock {
  readonly start: JsonObject;
  /** Its place among the tool calls, or among the thoughts. */
  readonly place: number;
  hasArguments: boolean;
}

/** What a block says by beginning, as the delta of a chat chunk; undefined: nothing. */
export function decodeBlockStart({ start, place }: OpenBlock): JsonObject | undefined {
  switch (textOf(start.type)) {
    case 'text':
      return textDelta(asText(start.text));
    case 'thinking':
      return thoughtDelta(place, { text: asText(start.thinking), signature: asText(start.signature) });
    case 'redacted_thinking':
      return {
        reasoning_details: [writeDetail({ kind: 'sealed', data: textOf(start.data) }, place, CLAUDE_THOUGHTS)],
      };
    case 'tool_use': {
      const called = { name: textOf(start.name), arguments: '' };
      return { tool_calls: [{ index: place, id: textOf(start.id), type: 'function', function: called }] };
    }
    default:
      return undefined;
  }
}

/** What a delta of a block says. */
export function decodeBlockDelta(block: OpenBlock, delta: JsonObject): JsonObject | undefined {
  switch (textOf(delta.type)) {
    case 'text_delta':
      return textDelta(asText(delta.text));
    case 'thinking_delta':
      return thoughtDelta(block.place, { text: asText(delta.thinking) });
    case 'signature_delta':
      return thoughtDelta(block.place, { signature: asText(delta.signature) });
    case 'input_json_delta': {
      const piece = textOf(delta.partial_json);
      // The input of a tool that the provider runs itself is none of the caller's business.
      if (piece === '' || block.start.type !== 'tool_use') return undefined;
      block.hasArguments = true;
      return argumentsDelta(block.place, piece);
    }
    default:
      return undefined;
  }
}

/** A call without arguments has no delta, and some providers send all of them with the start: a caller wants JSON in any case. */
export function decodeBlockStop({ start, place, hasArguments }: OpenBlock): JsonObject | undefined {
  return start.type !== 'tool_use' || hasArguments
    ? undefined
    : argumentsDelta(place, JSON.stringify(start.input ?? {}));
}

function textDelta(text: string | undefined): JsonObject | undefined {
  return text === undefined || text === '' ? undefined : { content: text };
}

function thoughtDelta(
  index: number,
  said: { text?: string | undefined; signature?: string | undefined },
): JsonObject | undefined {
  const text = said.text || undefined;
  const signature = said.signature || undefined;
  if (text === undefined && signature === undefined) return undefined;
  const detail = writeDetail({ kind: 'text', text, signature }, index, CLAUDE_THOUGHTS);
  return defined({ reasoning: text, reasoning_details: [detail] });
}

function argumentsDelta(index: number, piece: string): JsonObject {
  return { tool_calls: [{ index, function: { arguments: piece } }] };
}
