// The test tools as a stdio server: node stdio-server.mjs
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { createToolHost, createToolServer } from './tool-server.ts';

const server = createToolServer(createToolHost());
await server.connect(new StdioServerTransport());
