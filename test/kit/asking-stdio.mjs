// A server that asks its user's side, over stdio: node asking-stdio.mjs
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { createLegacyAskingServer } from './asking-server.ts';

await createLegacyAskingServer().connect(new StdioServerTransport());
