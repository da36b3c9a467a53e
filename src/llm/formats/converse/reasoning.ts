import type { JsonObject } from '../../../lib/json-rpc.ts';
import { asText, textOf } from '../../../lib/json-value.ts';
import { CLAUDE_THOUGHTS, readThoughts, writeDetail } from '../reasoning.ts';

/** How thoughts are marked that belong to Bedrock alone; Claude's are the same at Anthropic and here. */
const BEDROCK_THOUGHTS = 'amazon-bedrock-v1';

/** One entry of `reasoning_details`, whole or the piece that came with one event. */
export function writeThought(model: string, piece: JsonObject, index: number): JsonObject {
  const { text, signature, redactedContent } = piece;
  const format = model.includes('claude') ? CLAUDE_THOUGHTS : BEDROCK_THOUGHTS;
  return redactedContent === undefined
    ? writeDetail({ kind: 'text', text: asText(text), signature: asText(signature) }, index, format)
    : writeDetail({ kind: 'sealed', data: textOf(redactedContent) }, index, format);
}

/** The thoughts of an assistant's message as blocks. Those without a signature stay behind, since Bedrock refuses them. */
export function encodeReasoning(message: JsonObject): JsonObject[] {
  return readThoughts(message, isFromBedrock).flatMap((thought): JsonObject[] => {
    if (thought.kind === 'sealed') return [{ reasoningContent: { redactedContent: thought.data } }];
    const { text, signature } = thought;
    return signature === undefined ? [] : [{ reasoningContent: { reasoningText: { text, signature } } }];
  });
}

function isFromBedrock(format: string | undefined): boolean {
  return format === undefined || format === CLAUDE_THOUGHTS || format === BEDROCK_THOUGHTS;
}
