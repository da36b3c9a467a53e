import type { McpClient } from '../store/mcp-clients.ts';

/** White lists of tools by virtual key id. */
export type Grants = ReadonlyMap<string, readonly string[]>;

/** A server as it is stored: its record, and which virtual keys may call what of it. */
export interface Registration {
  readonly client: McpClient;
  readonly grants: Grants;
}
