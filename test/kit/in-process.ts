import type { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { createToolHost, createToolServer, type ToolHost } from './tool-server.ts';

/** The test tools as an in-process server: a function that makes one SDK server per connection, and the host they share. */
export function inProcessServer(): { host: ToolHost; create: () => Server } {
  const host = createToolHost();
  return { host, create: () => createToolServer(host) };
}
