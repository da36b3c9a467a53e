import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { httpClient, startGateway } from '../kit/gateway.ts';
import { startUpstream } from '../kit/upstream.ts';
import { CLIENTS } from './clients.ts';
import type { Options } from './options.ts';
import type { PeerClient } from './peer-client.ts';
import { runFolder } from './run-folder.ts';

/** Clients that open a browser by themselves, as users have them. The SDKs are tried by the scenarios. */
const OPENS_BROWSER = /^(?:mcp-remote|inspector)/i;
const LIMIT_MS = 30_000;

/** Clients that know nothing but the address: each signs in with OAuth and a browser, and calls a tool. */
export async function trySignIns({ client, server, way }: Options): Promise<{ passed: number; failed: number }> {
  if (server !== '' || way === 'direct') return { passed: 0, failed: 0 };
  const tried = Object.entries(CLIENTS).filter(([name]) => OPENS_BROWSER.test(name) && name.includes(client));
  let passed = 0;
  for (const [name, peer] of tried) {
    try {
      await trySignIn(peer);
      passed += 1;
      console.log(`ok   ${name} signs in with OAuth`);
    } catch (error) {
      console.log(`FAIL ${name} signs in with OAuth: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { passed, failed: tried.length - passed };
}

async function trySignIn({ open }: PeerClient): Promise<void> {
  await using upstream = await startUpstream();
  await using gateway = await startGateway({ config: { client: { mcp_server_auth_mode: 'oauth' } } });
  await gateway.createClient(httpClient(upstream.url));
  const mcp_configs = [{ mcp_client_name: 'c1', tools_to_execute: ['echo'] }];
  const { body } = await gateway.api('POST', '/api/governance/virtual-keys', { name: 'of the user', mcp_configs });
  const { environment, log } = makeBrowser((body['virtual_key'] as { value: string }).value);
  const late = AbortSignal.timeout(LIMIT_MS);
  const timeout = new Promise<never>((_resolve, reject) => {
    late.addEventListener('abort', () => reject(new Error(`nothing in ${LIMIT_MS / 1000} s; ${log()}`)));
  });
  const target = { url: `${gateway.address}/mcp`, transport: 'http' as const, headers: {}, environment };
  const session = await Promise.race([open(target), timeout]);
  try {
    const tools = await Promise.race([session.listTools(), timeout]);
    const text = await Promise.race([session.callTool('c1-echo', { text: 'hello' }), timeout]);
    if (tools.join() !== 'c1-echo' || !text.includes('hello')) throw new Error(`${tools.join()}: ${text}; ${log()}`);
  } finally {
    await session.close();
  }
}

/** A program that stands for the user's browser: it lets the client in with this key. */
function makeBrowser(key: string): { environment: Record<string, string>; log: () => string } {
  const folder = runFolder(`browser-${Math.random().toString(36).slice(2)}`);
  const [program, logFile] = [join(folder, 'browser'), join(folder, 'log')];
  const script = join(import.meta.dirname, 'browser.ts');
  writeFileSync(program, `#!/bin/sh\nexec '${process.execPath}' '${script}' "$1" '${key}' >> '${logFile}' 2>&1\n`);
  chmodSync(program, 0o755);
  return {
    // The second is what the Inspector wants before it opens a browser where there is no terminal.
    environment: { BROWSER: program, MCP_AUTO_OPEN_ENABLED: 'true' },
    log: () => (existsSync(logFile) ? readFileSync(logFile, 'utf8') : 'the browser was never opened'),
  };
}
