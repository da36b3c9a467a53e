import type { JsonObject, JsonValue } from '../../../lib/json-rpc.ts';
import { defined, objectsOf, textOf } from '../../../lib/json-value.ts';
import { writeThoughts } from '../reasoning.ts';
import { refused, requireObjects } from '../refused.ts';
import { splitToolContent } from '../tool-result.ts';
import { decodeThought } from './decode-answer.ts';
import { decodeBlock, decodeBlocks, decodeContent } from './decode-content.ts';
import { keepCache } from './encode-parts.ts';

/** Anthropic's turns as chat messages: each result of a tool becomes a message of its own, before what else the user said. */
export function decodeTurns(native: JsonObject): JsonObject[] {
  return requireObjects(native.messages, 'messages').flatMap((turn, index) => {
    const field = `messages[${index}]`;
    if (turn.role === 'assistant') return [decodeAssistant(turn.content, `${field}.content`)];
    if (turn.role === 'user') return decodeUser(turn.content, `${field}.content`);
    if (turn.role === 'system') return [{ role: 'system', content: decodeContent(turn.content, `${field}.content`) }];
    throw refused(`${field}.role`, 'must be user, assistant or system');
  });
}

/** The instructions that stand before the turns. */
export function decodeSystem(system: JsonValue | undefined): JsonObject[] {
  if (system === undefined || system === null) return [];
  const content = decodeContent(system, 'system');
  return content.length === 0 ? [] : [{ role: 'system', content }];
}

function decodeUser(content: JsonValue | undefined, field: string): JsonObject[] {
  if (typeof content === 'string') return [{ role: 'user', content }];
  const results: JsonObject[] = [];
  const said: JsonObject[] = [];
  for (const [index, block] of objectsOf(content).entries()) {
    const at = `${field}[${index}]`;
    if (block.type === 'tool_result') {
      const { message, media } = decodeToolResult(block, at);
      results.push(message);
      said.push(...media);
    } else said.push(decodeBlock(block, at));
  }
  const isPlain = said.length === 1 && said[0]?.type === 'text' && said[0].cache_control === undefined;
  return said.length === 0 ? results : [...results, { role: 'user', content: isPlain ? (said[0]?.text ?? '') : said }];
}

function decodeToolResult(block: JsonObject, field: string): { message: JsonObject; media: JsonObject[] } {
  const { content, media } =
    typeof block.content === 'string'
      ? { content: block.content, media: [] }
      : splitToolContent(decodeBlocks(objectsOf(block.content), `${field}.content`));
  const message = defined({
    role: 'tool',
    tool_call_id: textOf(block.tool_use_id),
    content,
    is_error: block.is_error === true ? true : undefined,
  });
  return { message: keepCache(message, block), media };
}

function decodeAssistant(content: JsonValue | undefined, field: string): JsonObject {
  if (typeof content === 'string') return { role: 'assistant', content };
  const blocks = objectsOf(content);
  const texts: JsonObject[] = [];
  const calls: JsonObject[] = [];
  for (const [index, block] of blocks.entries()) {
    if (block.type === 'text') texts.push(decodeBlock(block, field));
    else if (block.type === 'tool_use') calls.push(decodeCall(block));
    else if (decodeThought(block).length === 0)
      throw refused(`${field}[${index}].type`, `only Anthropic's own models take "${textOf(block.type)}"`);
  }
  return defined({
    role: 'assistant',
    content: texts.some((part) => part.cache_control !== undefined) ? texts : joinTexts(texts, calls.length > 0),
    ...writeThoughts(blocks.flatMap(decodeThought), undefined),
    tool_calls: calls.length === 0 ? undefined : calls,
  });
}

/**
 * Anthropic cuts an answer with citations into many blocks; to any other model it is one text. Only beside calls there may be none: a
 * turn that ended in its thoughts said an empty one.
 */
function joinTexts(parts: readonly JsonObject[], hasCalls: boolean): string | null {
  return parts.length === 0 && hasCalls ? null : parts.map(({ text }) => textOf(text)).join('');
}

function decodeCall(block: JsonObject): JsonObject {
  const called = { name: textOf(block.name), arguments: JSON.stringify(block.input ?? {}) };
  const { extra_content } = block; // what encode-answer.ts has put there
  return keepCache(defined({ id: textOf(block.id), type: 'function', function: called, extra_content }), block);
}
