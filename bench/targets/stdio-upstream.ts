/** The same fast MCP server over stdio. Replies to one chunk of input leave in one write. */
import type { Message } from './answer.ts';
import { answer } from './answer.ts';
import { listTools } from './tools.ts';

const tools = JSON.stringify(listTools(1));
let rest = '';

process.stdin.setEncoding('utf8');
process.stdin.on('data', (chunk: string) => {
  const lines = (rest + chunk).split('\n');
  rest = lines.pop() ?? '';
  let replies = '';
  for (const line of lines) {
    if (line.trim() === '') continue;
    const message = JSON.parse(line) as Message;
    if (message.id !== undefined && message.method !== undefined) replies += `${answer(message, tools)}\n`;
  }
  if (replies !== '') process.stdout.write(replies);
});
process.stdin.on('end', () => process.exit(0));
