// A small MCP server that runs inside the gateway. config.json names this file under mcp.inprocess; the gateway calls the
// default export whenever it (re)connects.
import { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';

/** Makes the server with its three tools. */
export default function createExampleServer() {
  const server = new McpServer({ name: 'asbru-example', version: '1.0.0' });

  server.registerTool(
    'hello',
    {
      title: 'Hello',
      description: 'Greets somebody. The quickest way to see that the gateway works.',
      inputSchema: z.object({ name: z.string().optional().describe('Whom to greet') }),
    },
    ({ name = 'world' }) => text(`Hello, ${name}! This answer came across Asbru.`),
  );

  server.registerTool(
    'roll_dice',
    {
      title: 'Roll dice',
      description: 'Rolls dice and gives each roll and the sum.',
      inputSchema: z.object({
        count: z.number().int().min(1).max(100).default(2).describe('How many dice'),
        sides: z.number().int().min(2).max(1000).default(6).describe('How many sides each has'),
      }),
      outputSchema: z.object({ rolls: z.array(z.number()), sum: z.number() }),
    },
    ({ count, sides }) => {
      const rolls = Array.from({ length: count }, () => 1 + Math.floor(Math.random() * sides));
      const sum = rolls.reduce((total, roll) => total + roll, 0);
      return { ...text(`${rolls.join(' + ')} = ${sum}`), structuredContent: { rolls, sum } };
    },
  );

  server.registerTool(
    'word_count',
    {
      title: 'Count words',
      description: 'Counts the words, characters and lines of a text.',
      inputSchema: z.object({ text: z.string().describe('The text') }),
      outputSchema: z.object({ words: z.number(), characters: z.number(), lines: z.number() }),
      annotations: { readOnlyHint: true },
    },
    ({ text: given }) => {
      const words = given.split(/\s+/).filter((word) => word !== '').length;
      const counts = { words, characters: given.length, lines: given === '' ? 0 : given.split('\n').length };
      return { ...text(JSON.stringify(counts)), structuredContent: counts };
    },
  );

  return server;
}

function text(value) {
  return { content: [{ type: 'text', text: value }] };
}
