import { expect, test } from 'vitest';
import { httpClient } from '../kit/gateway.ts';
import { createKey } from '../kit/keys.ts';
import { startScene } from '../kit/scene.ts';
import { startUpstream } from '../kit/upstream.ts';
import { openSession, postMcp, postModern, type HeaderChanges, type McpEndpoint, type RpcAnswer } from '../kit/wire.ts';

/** What the two headers say, and which of these four tools are then there for somebody who may use everything. */
const PROBES = ['c1-echo', 'c1-add', 'c1-greet', 'c2-echo'] as const;
const ALL = [...PROBES];
const OF_C1 = ALL.filter((name) => name.startsWith('c1'));
const CASES: [clients: string | undefined, tools: string | undefined, there: string[]][] = [
  [undefined, undefined, ALL],
  ['', undefined, []],
  ['*', undefined, ALL],
  ['c1', undefined, OF_C1],
  ['c1,c2', undefined, ALL],
  [' c1 , nobody ', undefined, OF_C1],
  ['C1', undefined, []],
  [undefined, '', []],
  [undefined, '*', ALL],
  [undefined, 'c1-*', OF_C1],
  [undefined, 'c1-echo', ['c1-echo']],
  [undefined, 'c1-echo, c2-*', ['c1-echo', 'c2-echo']],
  [undefined, 'c1-echo,c1-add', ['c1-echo', 'c1-add']],
  [undefined, 'echo', []],
  ['c1', 'c1-echo,c2-echo', ['c1-echo']],
  ['c2', 'c1-*', []],
  ['*', '', []],
  ['', '*', []],
  ['*', '*', ALL],
];

function filterHeaders(clients: string | undefined, tools: string | undefined): HeaderChanges {
  // An empty value would leave the header out; a blank is sent as an empty value.
  const blank = (value: string) => (value === '' ? ' ' : value);
  return {
    ...(clients !== undefined && { 'x-bf-mcp-include-clients': blank(clients) }),
    ...(tools !== undefined && { 'x-bf-mcp-include-tools': blank(tools) }),
  };
}

type Send = (method: string, params: Record<string, unknown>, headers: HeaderChanges) => Promise<RpcAnswer>;

/** Both ways of `/mcp`; the session of the older one began without a filter. */
async function waysOf(endpoint: McpEndpoint): Promise<Record<'modern' | 'legacy', Send>> {
  const session = await openSession(endpoint);
  return {
    modern: (method, params, headers) => postModern(endpoint, method, params, { headers }),
    legacy: (method, params, headers) =>
      postMcp(endpoint, { jsonrpc: '2.0', id: 1, method, params }, { headers: { ...session.headers, ...headers } }),
  };
}

async function startTwoServers() {
  const stack = new AsyncDisposableStack();
  const scene = stack.use(await startScene());
  const { gateway } = scene;
  const other = stack.use(await startUpstream());
  await gateway.createClient(httpClient(other.url, { name: 'c2' }));
  const key = await createKey(gateway, 'k1', {
    mcp_configs: [
      { mcp_client_name: 'c1', tools_to_execute: ['echo', 'add'] },
      { mcp_client_name: 'c2', tools_to_execute: ['*'] },
    ],
  });
  return { gateway, key, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

const argumentsOf = (name: string) =>
  ({ 'c1-add': { a: 1, b: 2 }, 'c1-greet': { name: 'Ada' } })[name] ?? { text: 'hi' };

test.for(['a virtual key', 'nobody’s key'])('what is listed with %s is what can be called', async (who) => {
  await using servers = await startTwoServers();
  const { gateway, key } = servers;
  const hasKey = who === 'a virtual key';
  const caller = hasKey ? key : gateway;
  const refusal = hasKey ? ['mcp_tool_blocked', 403] : ['mcp_tool_not_found', 400];
  const ways = await waysOf(caller);
  for (const [clients, tools, there] of CASES) {
    const headers = filterHeaders(clients, tools);
    // No header can widen what the key was granted.
    const expected = hasKey ? there.filter((name) => name !== 'c1-greet') : there;
    const label = `clients ${clients}, tools ${tools}`;
    const checks = Object.entries(ways).map(async ([era, send]) => {
      const { reply } = await send('tools/list', {}, headers);
      const { tools: listed } = reply.result as { tools: { name: string }[] };
      const names = listed.map(({ name }) => name);
      expect(names.filter((name) => ALL.includes(name as never)).toSorted(), label).toEqual(expected.toSorted());
      if (there.length === 0) expect(names, `${era}, ${label}`).toEqual([]);
      const calls = PROBES.map(async (name) => {
        const called = await send('tools/call', { name, arguments: argumentsOf(name) }, headers);
        const code = (called.reply.error?.data as { code?: string } | undefined)?.code;
        expect(code, `${era}, ${label}, ${name}`).toBe(expected.includes(name) ? undefined : refusal[0]);
        if (code === undefined) expect(called.reply.result, `${era}, ${label}, ${name}`).toHaveProperty('content');
      });
      await Promise.all(calls);
    });
    const overRest = PROBES.map(async (name) => {
      const call = { ...headers, authorization: `Bearer ${caller.apiKey}` };
      const { status, body } = await gateway.execute(name, argumentsOf(name), call);
      const outcome = status === 200 ? 'ok' : [body['type'], status];
      expect(outcome, `REST, ${label}, ${name}`).toEqual(expected.includes(name) ? 'ok' : refusal);
    });
    await Promise.all([...checks, ...overRest]);
  }
});
