import { askMcp, type JsonObject } from './mcp.ts';

/** One part of what a tool gives back. */
export interface ContentPart {
  readonly type: string;
  readonly text?: string;
  readonly data?: string;
  readonly mimeType?: string;
}

/** What a tool gave back, as it came. */
export interface ToolResult {
  readonly content?: readonly ContentPart[];
  readonly structuredContent?: unknown;
  readonly isError?: boolean;
}

/** Calls a tool through `/mcp` with a key, just as a client with that key would. */
export function callTool(key: string, name: string, args: JsonObject): Promise<ToolResult> {
  return askMcp({ as: { key }, method: 'tools/call', params: { name, arguments: args } });
}
