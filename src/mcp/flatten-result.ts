import type { JsonObject, JsonValue } from '../lib/json-rpc.ts';

/**
 * The text of a tool result, for wires that have nothing but text (decision D7). The wording in brackets is what existing
 * clients of this route parse; `/mcp` passes the content on untouched.
 */
export function flattenResult(result: JsonObject, toolName: string): string {
  const blocks = Array.isArray(result.content) ? result.content : [];
  const text = blocks.map(flattenBlock).join('').trim();
  return text === '' ? `MCP tool '${toolName}' executed successfully` : text;
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
      return '[Embedded Resource Response: resource]\n';
    default:
      return typeof block.text === 'string' ? `[Text Response: ${block.text}]\n` : JSON.stringify(block);
  }
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : '';
}
