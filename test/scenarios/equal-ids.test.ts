import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { startChildGateway } from '../kit/child-gateway.ts';
import { httpClient } from '../kit/gateway.ts';
import { openPipeline } from '../kit/pipelined.ts';
import { startRawUpstream } from '../kit/raw-upstream.ts';
import { modernRequest, openSession, requestHeaders } from '../kit/wire.ts';

const CALLS = 100_000;
const CONNECTIONS = 25;
const AT_A_TIME = 20;
/** Most calls go over one pipe, where nothing but the id tells answers apart; HTTP is much dearer. */
const HTTP_SHARE = 8;

test('100,000 calls with the same id, hundreds at a time, each get their own answer', async () => {
  await using upstream = await startRawUpstream();
  upstream.resultText = (input) => JSON.stringify({ content: [{ type: 'text', text: (input as { of: string }).of }] });
  await using gateway = await startChildGateway();
  await gateway.createClient(httpClient(upstream.url, { name: 'web' }));
  const script = fileURLToPath(new URL('../kit/echo-stdio.mjs', import.meta.url));
  const stdio_config = { command: process.execPath, args: [script] };
  await gateway.createClient({ name: 'pipe', connection_type: 'stdio', stdio_config, tools_to_execute: ['*'] });

  // Clients of both eras, with sessions and without, who all count from the same number.
  const sessions = await Promise.all(Array.from({ length: 4 }, () => openSession(gateway)));
  const modern = modernRequest('tools/call', { name: 'pipe-any' });
  const { _meta } = modern.message['params'] as { _meta: object };
  const kinds = [...sessions.map(({ headers }) => headers), {}, modern.headers].map((headers) =>
    requestHeaders(gateway, headers),
  );

  function write(number: number): { head: string; body: string } {
    const kind = number % kinds.length;
    const name = number % HTTP_SHARE === 0 ? 'web-any' : 'pipe-any';
    const meta = kind === kinds.length - 1 ? { _meta } : {};
    const params = { name, arguments: { of: `call-${number}` }, ...meta };
    const headers = { ...kinds[kind], ...('mcp-name' in (kinds[kind] ?? {}) && { 'mcp-name': name }) };
    const head = Object.entries(headers).map(([key, value]) => `${key}: ${value}\r\n`);
    return { head: head.join(''), body: JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params }) };
  }

  let checked = 0;
  async function work(first: number): Promise<void> {
    using pipeline = await openPipeline(gateway.address);
    for (let from = first; from < first + CALLS / CONNECTIONS; from += AT_A_TIME) {
      const numbers = Array.from({ length: AT_A_TIME }, (_, index) => from + index);
      const bodies = await pipeline.post(numbers.map(write));
      for (const [index, number] of numbers.entries()) {
        const { id, result } = JSON.parse(bodies[index] ?? '{}') as {
          id: unknown;
          result?: { content: { text: string }[] };
        };
        if (id !== 1 || result?.content[0]?.text !== `call-${number}`)
          throw new Error(`call-${number} was answered with ${bodies[index]}`);
        checked += 1;
      }
    }
  }

  await Promise.all(Array.from({ length: CONNECTIONS }, (_, index) => work((index * CALLS) / CONNECTIONS)));
  expect(checked).toBe(CALLS);
}, 120_000);
