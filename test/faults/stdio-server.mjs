// A server over stdio that notes each call it runs in a file, and misbehaves as it is told:
// node stdio-server.mjs NOTES [stubborn | parent | long | garbage]
import { spawn } from 'node:child_process';
import { appendFileSync, existsSync } from 'node:fs';
import { createInterface } from 'node:readline';

const [notes, manner] = process.argv.slice(2);
/** Neither a closed input nor SIGTERM ends who does this. */
const live = () => {
  process.on('SIGTERM', () => {});
  setInterval(() => {}, 1_000);
};
const LONG = 10 * 1024 * 1024;

if (manner === 'stubborn') live();
// One stays in the group of this process, the other makes a group of its own, as browsers are started.
if (manner === 'parent')
  for (const detached of [false, true])
    spawn(process.execPath, ['-e', `(${String(live)})()`, notes], { detached, stdio: 'ignore' }).unref();

const results = {
  initialize: { protocolVersion: '2025-11-25', capabilities: { tools: {} }, serverInfo: { name: 'bad', version: '1' } },
  'tools/list': { tools: [{ name: 'echo', inputSchema: { type: 'object' } }] },
};

const write = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);

/** While this file is there, the server does what it was told. */
const isBad = () => existsSync(`${notes}.bad`);

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) continue;
  if (method === 'server/discover') write({ id, error: { code: -32601, message: 'what?' } });
  else if (method !== 'tools/call') write({ id, result: results[method] ?? {} });
  else {
    const { text } = params.arguments;
    appendFileSync(notes, `${text}\n`);
    if (manner === 'garbage' && isBad()) process.stdout.write(`{"jsonrpc":"2.0","id":${id},"result":{"content":[\n`);
    else {
      const more = manner === 'long' && isBad() ? 'x'.repeat(LONG) : '';
      write({ id, result: { content: [{ type: 'text', text: text + more }] } });
    }
  }
}
