import type { JsonObject } from '../../lib/json-rpc.ts';
import { textOf } from '../../lib/json-value.ts';

const BELOW = 'The result is in the next message.';

/** The result of a tool, taken apart for chat completions. */
export interface ToolContent {
  /** The content of the message with the role `tool`. */
  readonly content: string | JsonObject[];
  /** Parts that must follow it in a message of the user. */
  readonly media: JsonObject[];
}

/** Chat completions take only text as the result of a tool: what else it is follows as the user's. */
export function splitToolContent(parts: readonly JsonObject[]): ToolContent {
  const texts = parts.filter(({ type }) => type === 'text');
  const media = parts.filter(({ type }) => type !== 'text');
  const [only] = texts;
  if (only === undefined) return { content: media.length === 0 ? '' : BELOW, media };
  const isPlain = texts.length === 1 && only.cache_control === undefined;
  return { content: isPlain ? textOf(only.text) : texts, media };
}
