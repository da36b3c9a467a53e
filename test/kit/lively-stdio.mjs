// A server whose requests take their time, over stdio: node lively-stdio.mjs [modern]
import { StdioServerTransport } from '@modelcontextprotocol/sdk/server/stdio.js';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { createLegacyLivelyServer, createLivelyState, createModernLivelyServer } from './lively-server.ts';

const state = createLivelyState();
if (process.argv[2] === 'modern') serveStdio(() => createModernLivelyServer(state));
else await createLegacyLivelyServer(state).connect(new StdioServerTransport());
