import type { JsonObject, JsonValue } from '../lib/json-rpc.ts';
import { isObject, objectOf, textOf } from '../lib/json-value.ts';

/**
 * The text of a tool result, for wires that have nothing but text (decision D7). The wording in brackets is what existing
 * clients of this route parse; `/mcp` passes the content on untouched. What a text can hold is never left out: the text of an
 * embedded resource, and of a result without content its structure.
 */
export function flattenResult(result: JsonObject, toolName: string): string {
  const blocks = Array.isArray(result.content) ? result.content : [];
  const text = blocks.map(flattenBlock).join('').trim();
  if (text !== '') return text;
  const { structuredContent } = result;
  return isObject(structuredContent) && Object.keys(structuredContent).length > 0
    ? JSON.stringify(structuredContent)
    : `MCP tool '${toolName}' executed successfully`;
}

function flattenBlock(block: JsonValue): string {
  if (typeof block !== 'object' || block === null || Array.isArray(block)) return JSON.stringify(block);
  switch (textOf(block.type)) {
    case 'text':
      return textOf(block.text);
    case 'image':
      return `[Image Response: ${textOf(block.data)}, MIME: ${textOf(block.mimeType)}]\n`;
    case 'audio':
      return `[Audio Response: ${textOf(block.data)}, MIME: ${textOf(block.mimeType)}]\n`;
    case 'resource':
      return flattenResource(block.resource);
    default:
      return typeof block.text === 'string' ? `[Text Response: ${block.text}]\n` : JSON.stringify(block);
  }
}

function flattenResource(resource: JsonValue | undefined): string {
  const text = textOf(objectOf(resource).text);
  return text === '' ? '[Embedded Resource Response: resource]\n' : `${text}\n`;
}
