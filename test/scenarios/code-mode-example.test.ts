import { readFileSync } from 'node:fs';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { CallToolRequestSchema, ListToolsRequestSchema } from '@modelcontextprotocol/sdk/types.js';
import { expect, test } from 'vitest';
import { runCode } from '../kit/code.ts';
import { startGateway } from '../kit/gateway.ts';

type Tools = Readonly<Record<string, (args: Record<string, unknown>) => object>>;

const tickets = [
  { id: 'T-1', owner: 'ann', age_days: 40 },
  { id: 'T-2', owner: 'bob', age_days: 3 },
  { id: 'T-3', owner: 'nobody', age_days: 90 },
];
const desk: Tools = { list_tickets: () => ({ tickets }) };
const people: Tools = {
  get_person: ({ id }) => {
    if (id === 'nobody') throw new Error('there is no such person');
    return { name: `Name of ${String(id)}` };
  },
};

function serve(tools: Tools): Server {
  const server = new Server({ name: 'example', version: '1' }, { capabilities: { tools: {} } });
  server.setRequestHandler(ListToolsRequestSchema, () => ({
    tools: Object.keys(tools).map((name) => ({ name, inputSchema: { type: 'object' as const } })),
  }));
  server.setRequestHandler(CallToolRequestSchema, ({ params }) => {
    const answer = tools[params.name]?.(params.arguments ?? {});
    return { content: [], structuredContent: { ...answer } };
  });
  return server;
}

test('the example of docs/code-mode.md does what it says', async () => {
  const document = readFileSync(new URL('../../docs/code-mode.md', import.meta.url), 'utf8');
  const [, example = ''] = /```ts example\n([^]*?)```/.exec(document) ?? [];
  const client_configs = ['desk', 'people'].map((name) => ({
    ...{ name, connection_type: 'inprocess', connection_string: name, is_code_mode_client: true },
    ...{ tools_to_execute: ['*'], tools_to_auto_execute: ['*'] },
  }));
  await using gateway = await startGateway({
    config: { mcp: { client_configs } },
    inprocess: { desk: () => serve(desk), people: () => serve(people) },
  });
  await gateway.ready;
  const { text, isError } = await runCode(gateway, example);
  expect(isError, text).toBe(false);
  expect(text).toMatch(/^Print output:\nT-3: .*there is no such person\n\nExecution completed successfully\./);
  expect(text).toContain('Return value: [\n  "Name of ann"\n]');
  expect(text).toContain('Artifacts: old');
});
