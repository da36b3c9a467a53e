// A server whose requests take their time, over stdio: node lively-stdio.mjs
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { createLegacyLivelyServer, createLivelyState } from './lively-server.ts';

await createLegacyLivelyServer(createLivelyState()).connect(new StdioServerTransport());
