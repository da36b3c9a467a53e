// A bare server over stdio whose only tool says its argument, as fast as can be: node echo-stdio.mjs
import { createInterface } from 'node:readline';

const results = {
  initialize: {
    protocolVersion: '2025-11-25',
    capabilities: { tools: {} },
    serverInfo: { name: 'echo', version: '1' },
  },
  'tools/list': { tools: [{ name: 'any', inputSchema: { type: 'object' } }] },
};

let out = '';
for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) continue;
  const result = method === 'tools/call' ? { content: [{ type: 'text', text: params.arguments.of }] } : results[method];
  const answer =
    method === 'server/discover' ? { error: { code: -32601, message: 'what?' } } : { result: result ?? {} };
  if (out === '') setImmediate(flush);
  out += `${JSON.stringify({ jsonrpc: '2.0', id, ...answer })}\n`;
}

function flush() {
  process.stdout.write(out);
  out = '';
}
