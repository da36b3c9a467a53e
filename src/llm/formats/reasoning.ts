import type { JsonObject } from '../../lib/json-rpc.ts';
import { asText, defined, objectsOf, textOf } from '../../lib/json-value.ts';

/** A piece of what a model thought, as far as it can be given back to it. */
export type Thought =
  | { readonly kind: 'text'; readonly text: string; readonly signature: string | undefined }
  /** Only the provider can read it. */
  | { readonly kind: 'sealed'; readonly data: string };

/** How Claude's thoughts are marked in `reasoning_details`: no other model takes them. */
export const CLAUDE_THOUGHTS = 'anthropic-claude-v1';

/** Thoughts as members of a chat message or delta: `reasoning` to be read, `reasoning_details` to be sent back unchanged. */
export function writeThoughts(thoughts: readonly Thought[], format: string | undefined): JsonObject {
  if (thoughts.length === 0) return {};
  const texts = thoughts.flatMap((thought) => (thought.kind === 'text' && thought.text !== '' ? [thought.text] : []));
  return {
    ...(texts.length === 0 ? {} : { reasoning: texts.join('') }),
    reasoning_details: thoughts.map((thought, index) => writeDetail(thought, index, format)),
  };
}

/** A thought, or the piece of one that came with an event of a stream. */
type ThoughtPiece =
  | Thought
  | { readonly kind: 'text'; readonly text?: string | undefined; readonly signature?: string | undefined };

/** One entry of `reasoning_details`. */
export function writeDetail(thought: ThoughtPiece, index: number, format: string | undefined): JsonObject {
  return thought.kind === 'sealed'
    ? defined({ type: 'reasoning.encrypted', data: thought.data, format, index })
    : defined({ type: 'reasoning.text', text: thought.text, signature: thought.signature, format, index });
}

/**
 * The thoughts of a chat message. A client that gathered a stream may send every piece as an entry of its own: they belong to one
 * thought until a signature ends it. Where there are no details, the readable text is a thought nobody signed.
 */
export function readThoughts(message: JsonObject, accepts: (format: string | undefined) => boolean): Thought[] {
  const details = objectsOf(message.reasoning_details).filter((detail) => accepts(asText(detail.format)));
  const thoughts: Thought[] = [];
  let open: { index: JsonObject['index']; text: string } | undefined;
  const close = (signature?: string): void => {
    if (open !== undefined) thoughts.push({ kind: 'text', text: open.text, signature });
    open = undefined;
  };
  for (const detail of details) {
    if (detail.type === 'reasoning.encrypted') {
      close();
      if (typeof detail.data === 'string') thoughts.push({ kind: 'sealed', data: detail.data });
      continue;
    }
    if (open !== undefined && open.index !== detail.index) close();
    const text = asText(detail.text) ?? textOf(detail.summary);
    open = { index: detail.index, text: (open?.text ?? '') + text };
    const signature = asText(detail.signature);
    if (signature !== undefined && signature !== '') close(signature);
  }
  close();
  if (thoughts.length > 0) return thoughts;
  const text = readableThought(message);
  return text === undefined ? [] : [{ kind: 'text', text, signature: undefined }];
}

/** What may be read of the thoughts of a message or a delta, by whichever of its two names. */
export function readableThought(message: JsonObject): string | undefined {
  const text = asText(message.reasoning) ?? asText(message.reasoning_content);
  return text === '' ? undefined : text;
}
