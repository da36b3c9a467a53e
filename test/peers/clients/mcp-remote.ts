import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { StdioClientTransport as StdioV2 } from '@modelcontextprotocol/client/stdio';
import { StdioClientTransport as StdioV1 } from '@modelcontextprotocol/sdk/client/stdio.js';
import type { PeerClient, Target } from '../peer-client.ts';
import { privateEnvironment } from '../run-folder.ts';
import { connectV1 } from './sdk-v1.ts';
import { connectV2 } from './sdk-v2.ts';

/** A client of the older revisions that knows stdio only, behind mcp-remote. */
export const legacy: PeerClient = {
  open: (target) => connectV1(new StdioV1({ ...commandFor(target), stderr: 'ignore' })),
};

/** A client of 2026-07-28 that knows stdio only, behind mcp-remote. */
export const modern: PeerClient = {
  open: (target) => connectV2(new StdioV2({ ...commandFor(target), stderr: 'ignore' }), 'modern'),
};

function commandFor({ url, transport, headers, environment }: Target) {
  const root = dirname(createRequire(import.meta.url).resolve('mcp-remote/package.json'));
  const strategy = transport === 'sse' ? 'sse-only' : 'http-only';
  const given = Object.entries(headers).flatMap(([name, value]) => ['--header', `${name}: ${value}`]);
  const args = [join(root, 'dist', 'proxy.js'), url, '--allow-http', '--transport', strategy, ...given];
  return { command: process.execPath, args, env: { ...privateEnvironment(), ...environment } };
}
