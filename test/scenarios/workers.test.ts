import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { PRICE } from '../kit/accounts.ts';
import { newPostgresUrl } from '../kit/databases.ts';
import { httpClient } from '../kit/gateway.ts';
import { createKey } from '../kit/keys.ts';
import { isAlive, processesWith } from '../kit/processes.ts';
import { listedTools } from '../kit/scene.ts';
import { startSteadyLoad } from '../kit/steady-load.ts';
import { startUpstream, type Upstream } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';
import { openSession, openStream, postMcp, type HeaderChanges } from '../kit/wire.ts';
import { startWorkers, type Workers } from '../kit/workers.ts';

/** On a connection of its own, so that another worker answers than the last time. */
const ANEW: HeaderChanges = { connection: 'close' };
const COUNT = 3;
/** Calls that a budget has room for. */
const ROOM = 40;
const STDIO_SERVER = fileURLToPath(new URL('../kit/stdio-server.mjs', import.meta.url));

/** What they share, by where that lies. */
const CONFIGS = {
  postgres: async () => ({ config_store: { type: 'postgres', config: { url: await newPostgresUrl() } } }),
  SQLite: () => Promise.resolve({}),
};

/** One for all tests, in their order: it takes long to start so many processes. */
let stack: AsyncDisposableStack;
let upstream: Upstream;
let gateway: Workers;
let id: string;

async function callEcho(text: string, headers: HeaderChanges): Promise<unknown> {
  const params = { name: 'c1-echo', arguments: { text } };
  const message = { jsonrpc: '2.0', id: text, method: 'tools/call', params };
  const { reply, status } = await postMcp(gateway, message, { headers });
  return (reply.result?.['content'] as { text: string }[] | undefined)?.[0]?.text ?? reply.error ?? status;
}

describe.skipIf(process.platform !== 'linux').each(Object.entries(CONFIGS))('several workers, on %s', (_, config) => {
  beforeAll(async () => {
    stack = new AsyncDisposableStack();
    upstream = stack.use(await startUpstream());
    gateway = stack.use(await startWorkers(COUNT, await config()));
    await gateway.untilServing(COUNT);
    id = await gateway.createClient(httpClient(upstream.url));
  });
  afterAll(() => stack.disposeAsync());

  test('share the connections, and a session goes on whichever worker answers', async () => {
    expect((await gateway.spread(9)).size).toBe(COUNT);
    const session = await openSession(gateway, ANEW);
    await using stream = await openStream(gateway, { headers: session.headers });
    for (let call = 0; call < COUNT * 3; call += 1) expect(await callEcho(`${call}`, session.headers)).toBe(`${call}`);
    await upstream.addTool('fresh');
    await waitFor(
      () => stream.messages.some(({ method }) => method === 'notifications/tools/list_changed'),
      'the notice to arrive',
    );
  });

  test('a change that is answered is seen by all', async () => {
    for (let round = 0; round < 6; round += 1) {
      const tools = round % 2 === 0 ? [] : ['echo'];
      const { status } = await gateway.api('PUT', `/api/mcp/client/${id}`, { tools_to_execute: tools }, ANEW);
      expect(status).toBe(200);
      for (let worker = 0; worker < COUNT; worker += 1) {
        const { reply } = await postMcp(
          gateway,
          { jsonrpc: '2.0', id: 1, method: 'tools/list' },
          { headers: (await openSession(gateway, ANEW)).headers },
        );
        const listed = reply.result?.['tools'] as { name: string }[];
        expect(listed.map(({ name }) => name)).toEqual(tools.map((name) => `c1-${name}`));
      }
    }
    expect(await listedTools(gateway)).toEqual(['c1-echo']);
  });

  test('one that is killed is replaced, its sessions go on with the others, and all calls are counted', async () => {
    const sessions = await Promise.all(Array.from({ length: COUNT * 2 }, () => openSession(gateway, ANEW)));
    const callAll = () => Promise.all(sessions.map(({ headers }, number) => callEcho(`of ${number}`, headers)));
    const expected = sessions.map((_, number) => `of ${number}`);
    expect(await callAll()).toEqual(expected);
    const counted = async () => {
      const { body } = await gateway.api('GET', '/metrics', undefined, ANEW);
      const counts = String(body['text']).matchAll(
        /^bifrost_mcp_client_operation_duration_seconds_count\{mcp_client="c1".* (\d+)$/gm,
      );
      return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
    };
    const first = await counted();
    expect(first).toBeGreaterThanOrEqual(sessions.length);

    const before = await gateway.untilServing(COUNT);
    const [victim = 0] = before;
    process.kill(victim, 'SIGKILL');
    await waitFor(() => !isAlive(victim), 'its end');
    expect(await callAll()).toEqual(expected);
    const after = await gateway.untilServing(COUNT);
    expect(after.filter((pid) => before.includes(pid))).toHaveLength(COUNT - 1);
    expect(await callAll()).toEqual(expected);
    expect(await counted()).toBe(first + sessions.length * 2);
  });

  test('while they are replaced one after the other, no call fails, on connections that are kept open', async () => {
    const before = await gateway.untilServing(COUNT);
    const called = upstream.countCalls();
    const load = await startSteadyLoad(gateway, 50);
    process.kill(gateway.pid, 'SIGUSR2');
    await waitFor(() => before.every((pid) => !isAlive(pid)), 'the end of all former workers', 60_000);
    const outcomes = await load.stop();
    expect(outcomes.filter(({ code }) => code !== 'ok')).toEqual([]);
    expect(upstream.countCalls() - called).toBe(outcomes.length);
  });

  test('keep to one budget', async () => {
    await gateway.update(id, { tools_to_execute: ['*'], tool_pricing: { echo: PRICE } });
    const key = await createKey(gateway, 'spender', {
      mcp_configs: [{ mcp_client_name: 'c1', tools_to_execute: ['*'] }],
      budgets: [{ max_limit: ROOM * PRICE, reset_duration: '1d' }],
    });
    const called = upstream.countCalls();
    const answers = await Promise.all(
      Array.from({ length: 2 * ROOM }, (_, call) => {
        const params = { name: 'c1-echo', arguments: { text: `${call}` } };
        return postMcp(key, { jsonrpc: '2.0', id: call, method: 'tools/call', params }, { headers: ANEW });
      }),
    );
    const paid = answers.filter(({ reply }) => reply.result !== undefined).length;
    expect(paid).toBeGreaterThanOrEqual(ROOM);
    expect(paid).toBeLessThanOrEqual(ROOM + 1);
    expect(upstream.countCalls() - called).toBe(paid);
    await gateway.update(id, { tool_pricing: {} });
  });

  test('run a server on stdio once, and lose no call when they are replaced or it is', async () => {
    const mark = `workers-${process.pid}`;
    const pids = async () => (await processesWith(mark)).map(({ pid }) => pid);
    const once = async () =>
      (await waitFor(async () => (await pids()).length === 1 && (await pids()), 'one server'))[0];
    const stdio_config = { command: process.execPath, args: [STDIO_SERVER, mark] };
    const local = await gateway.createClient({
      name: 'local',
      connection_type: 'stdio',
      stdio_config,
      tools_to_execute: ['*'],
    });
    const former = await once();
    const over = new AbortController();
    const answers: unknown[] = [];
    const seen = new Set<number>();
    const callers = Array.from({ length: 4 }, async () => {
      while (!over.signal.aborted) {
        answers.push((await gateway.execute('local-echo', { text: 'x' }, ANEW)).status);
        for (const pid of await pids()) seen.add(pid);
      }
    });
    const workers = await gateway.untilServing(COUNT);
    process.kill(gateway.pid, 'SIGUSR2');
    await waitFor(() => workers.every((pid) => !isAlive(pid)), 'the end of all former workers', 60_000);
    expect(await once()).toBe(former);
    expect((await gateway.api('POST', `/api/mcp/client/${local}/reconnect`)).status).toBe(200);
    await waitFor(() => !isAlive(former ?? 0), 'the end of the former server');
    const latter = await once();
    over.abort();
    await Promise.all(callers);
    expect([...seen]).toEqual([former, latter]);
    expect(answers.length).toBeGreaterThan(COUNT);
    expect(answers.filter((status) => status !== 200)).toEqual([]);
    expect((await gateway.api('DELETE', `/api/mcp/client/${local}`)).status).toBe(200);
    await waitFor(async () => (await pids()).length === 0, 'the end of the server');
  });

  test('the first start prints its key and address once; a signal ends all, with 0', async () => {
    const pids = await gateway.untilServing(COUNT);
    expect(await gateway.stop()).toBe(0);
    expect(pids.filter(isAlive)).toEqual([]);
    for (const line of [/^Welcome to Asbru/gm, /^asbru listening on/gm])
      expect(gateway.stdout.match(line)).toHaveLength(1);
  });
});
