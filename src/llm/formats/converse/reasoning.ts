import type { JsonObject } from '../../../lib/json-rpc.ts';
import { asText, given, objectsOf, textOf } from '../../../lib/json-value.ts';

/** How thoughts are marked in `reasoning_details`. Claude's are the same at Anthropic and here; others belong to Bedrock alone. */
const CLAUDES = 'anthropic-claude-v1';
const BEDROCKS = 'amazon-bedrock-v1';

interface Thought {
  readonly index: JsonObject['index'];
  text: string;
  signature?: string;
  sealed?: string;
}

/** One entry of `reasoning_details`, whole or the piece that came with one event. */
export function writeThought(model: string, piece: JsonObject, index: number): JsonObject {
  const { text, signature, redactedContent } = piece;
  const format = model.includes('claude') ? CLAUDES : BEDROCKS;
  if (redactedContent !== undefined)
    return { type: 'reasoning.encrypted', data: textOf(redactedContent), format, index };
  return { type: 'reasoning.text', ...given({ text, signature }), format, index };
}

/**
 * The thoughts of an assistant's message as blocks. A client that gathered a stream sends every piece as an entry of its own: those of
 * one index are one thought. Thoughts without a signature stay behind, since Bedrock refuses them.
 */
export function encodeReasoning(message: JsonObject): JsonObject[] {
  return gatherThoughts(message).flatMap(({ text, signature, sealed }): JsonObject[] => {
    if (sealed !== undefined) return [{ reasoningContent: { redactedContent: sealed } }];
    return signature === undefined ? [] : [{ reasoningContent: { reasoningText: { text, signature } } }];
  });
}

function gatherThoughts(message: JsonObject): Thought[] {
  const thoughts: Thought[] = [];
  for (const detail of objectsOf(message.reasoning_details)) {
    if (detail.format !== undefined && detail.format !== CLAUDES && detail.format !== BEDROCKS) continue;
    const text = textOf(detail.text);
    const signature = asText(detail.signature);
    const signed = signature === undefined ? {} : { signature };
    const last = thoughts.at(-1);
    if (detail.type === 'reasoning.encrypted')
      thoughts.push({ index: detail.index, text: '', sealed: textOf(detail.data) });
    else if (last !== undefined && isSameThought(last, detail))
      Object.assign(last, { text: last.text + text, ...signed });
    else thoughts.push({ index: detail.index, text, ...signed });
  }
  return thoughts;
}

function isSameThought(last: Thought, { index }: JsonObject): boolean {
  return index !== undefined && last.index === index && last.sealed === undefined && last.signature === undefined;
}
