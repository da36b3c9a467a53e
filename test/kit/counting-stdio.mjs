// A server by hand that tells what reached it, over stdio: node counting-stdio.mjs
import { createInterface } from 'node:readline';

const seen = {};
const write = (message) => process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
const tools = {
  seen: () => JSON.stringify(seen),
  touch({ uri }) {
    write({ method: 'notifications/resources/updated', params: { uri } });
    return 'touched';
  },
};
const results = {
  initialize: () => ({
    protocolVersion: '2025-11-25',
    capabilities: { tools: {}, resources: { subscribe: true } },
    serverInfo: { name: 'counting', version: '1' },
  }),
  'tools/list': () => ({ tools: Object.keys(tools).map((name) => ({ name, inputSchema: { type: 'object' } })) }),
  'resources/list': () => ({ resources: [{ uri: 'count://a', name: 'a' }] }),
  'resources/templates/list': () => ({ resourceTemplates: [] }),
  'tools/call': ({ name, arguments: args }) => ({ content: [{ type: 'text', text: tools[name](args) }] }),
  'resources/subscribe': () => ({}),
  'resources/unsubscribe': () => ({}),
  ping: () => ({}),
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params } = JSON.parse(line);
  seen[method] = (seen[method] ?? 0) + 1;
  if (id === undefined) continue;
  const answer = results[method];
  write(answer === undefined ? { id, error: { code: -32601, message: 'what?' } } : { id, result: answer(params) });
}
