import type { IncomingMessage, ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { startBridge, type BridgeProcess } from '../kit/bridge.ts';
import { listenOnLoopback, readBody } from '../kit/http-host.ts';
import { waitFor } from '../kit/wait.ts';

interface Seen {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly body: string;
  readonly message: Message;
}

interface Message {
  readonly id?: string;
  readonly method?: string | undefined;
  readonly result?: unknown;
}

const HELLO = { protocolVersion: '2025-11-25', capabilities: { tools: { listChanged: true } }, serverInfo: {} };

/** A server whose every answer the test writes; `initialize` and notifications are answered for it. GET goes to `GET`. */
async function startScripted(answer: (seen: Seen) => void) {
  const seen: Seen[] = [];
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readBody(request);
    const message: Message = body === '' ? { method: request.method } : (JSON.parse(body) as Message);
    const entry = { request, response, body, message };
    seen.push(entry);
    if (message.method === 'initialize') {
      response.setHeader('mcp-session-id', 's1');
      endJson(response, { jsonrpc: '2.0', id: message.id, result: HELLO });
    } else if (message.method?.startsWith('notifications/') === true) response.writeHead(202).end();
    else answer(entry);
  }
  const host = await listenOnLoopback((request, response) => void serve(request, response));
  const bridge = startBridge(['--url', `${host.origin}/mcp`]);
  return {
    seen,
    bridge,
    origin: host.origin,
    async [Symbol.asyncDispose]() {
      await bridge[Symbol.asyncDispose]();
      await host.stop();
    },
  };
}

function endJson(response: ServerResponse, message: unknown, status = 200): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(message));
}

function openStream(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'text/event-stream' }).flushHeaders();
}

const event = (message: unknown, id?: string): string =>
  `${id === undefined ? '' : `id: ${id}\nretry: 1\n`}data: ${JSON.stringify(message)}\n\n`;

async function noticesOf(bridge: BridgeProcess, count: number): Promise<unknown[]> {
  const found = () => bridge.messages.filter(({ method }) => method === 'notifications/message');
  await waitFor(() => found().length >= count, `${count} notices`);
  return found().map(({ params }) => params?.['n']);
}

const notice = (n: number) => ({ jsonrpc: '2.0', method: 'notifications/message', params: { n } });

test('requests of the server reach the client on either stream, and its answers go back in a POST', async () => {
  await using scene = await startScripted(({ response, message }) => {
    if (message.result !== undefined) return void response.writeHead(202).end();
    openStream(response);
    if (message.method === 'GET')
      return void response.write(event({ jsonrpc: '2.0', id: 'q1', method: 'roots/list', params: {} }));
    response.write(event({ jsonrpc: '2.0', id: 'q2', method: 'elicitation/create', params: {} }));
    response.end(event({ jsonrpc: '2.0', id: message.id, result: { ok: true } }));
  });
  const { bridge, seen } = scene;
  await bridge.initialize();
  expect(await bridge.request('tools/call')).toHaveProperty('result.ok', true);
  for (const id of ['q1', 'q2']) {
    await waitFor(() => bridge.messages.some((message) => message.id === id), id);
    const answer = `{"jsonrpc":"2.0","result":{"roots":[]}, "id":"${id}"}`;
    bridge.send(answer);
    const { request } = await waitFor(() => seen.find(({ body }) => body === answer), 'the answer');
    expect(request.headers).toMatchObject({ 'mcp-session-id': 's1', 'mcp-protocol-version': '2025-11-25' });
  }
});

test('streams that break are taken up where they broke, of a session and of a request', async () => {
  const resumedAt: unknown[] = [];
  await using scene = await startScripted(({ request, response, message }) => {
    const at = request.headers['last-event-id'];
    if (at !== undefined) resumedAt.push(at);
    openStream(response);
    if (message.method !== 'GET') return void response.end(event(notice(10), 'r-1'));
    if (at === undefined) response.end(event(notice(1), 'g-1'));
    else if (at === 'g-1') response.write(event(notice(2), 'g-2'));
    else if (at === 'r-1') response.end(event({ jsonrpc: '2.0', id: 'r2', result: { late: true } }));
  });
  const { bridge } = scene;
  await bridge.initialize();
  expect(await noticesOf(bridge, 2)).toEqual([1, 2]);
  expect(await bridge.request('tools/call')).toHaveProperty('result.late', true);
  expect(await noticesOf(bridge, 3)).toEqual([1, 2, 10]);
  expect(resumedAt).toEqual(['g-1', 'r-1']);
  // What can be taken up misses nothing.
  expect(bridge.messages.some(({ method }) => method?.endsWith('list_changed'))).toBe(false);
});

test.for([
  [401, 'text/plain', 'no', -32_001, 'the gateway wants a key; give it with --key or ASBRU_KEY'],
  [403, 'text/plain', 'no', -32_003, 'the gateway does not allow this (HTTP 403: no)'],
  [500, 'text/html', '<p>\n oh', -32_603, 'the gateway failed (HTTP 500: <p> oh)'],
  [503, 'text/plain', '', -32_603, 'the gateway cannot take the request now; try again (HTTP 503)'],
  [202, '', '', -32_603, 'the gateway gave no answer to the request (HTTP 202)'],
  [200, 'text/event-stream', '', -32_603, 'the gateway ended the stream without an answer; the request may have run'],
  [200, 'application/json', '{"jsonrpc":', -32_603, 'HTTP 200, application/json'],
  [200, 'text/html', '<html>', -32_603, 'does not speak MCP; check --url (HTTP 200, text/html)'],
  [400, 'application/json', '{"jsonrpc":"2.0","id":null,"error":{"code":-7,"message":"m"}}', -7, 'm'],
  [404, 'application/json', '{"error":{"code":-7,"message":"m"}}', -32_603, 'there is no MCP endpoint at'],
] as const)(
  'an answer of %i %s %j becomes an error that says what to do',
  async ([status, type, text, code, words]) => {
    await using scene = await startScripted(({ response }) => {
      response.writeHead(status, type === '' ? {} : { 'content-type': type }).end(text);
    });
    const { error } = await scene.bridge.request('tools/list');
    expect(error?.code).toBe(code);
    expect(error?.message).toContain(words);
  },
);

test('an error of the gateway keeps its bytes and gets the id of the request as the client wrote it', async () => {
  await using scene = await startScripted(({ response }) => {
    const error = '{"code":-32020, "message":"m","data":{"n":1.50}}';
    response.writeHead(400, { 'content-type': 'application/json' });
    response.end(`{"jsonrpc":"2.0","id":null,"error":${error}}`);
  });
  scene.bridge.send('{"jsonrpc":"2.0","id":"\\u0061","method":"x"}');
  await waitFor(() => scene.bridge.lines.length === 1, 'the answer');
  expect(scene.bridge.lines).toEqual([
    '{"jsonrpc":"2.0","id":"\\u0061","error":{"code":-32020, "message":"m","data":{"n":1.50}}}',
  ]);
});

test('a modern subscription lasts until the client cancels it, which closes its stream and posts nothing', async () => {
  let open: ServerResponse | undefined;
  await using scene = await startScripted(({ response, message }) => {
    if (message.method !== 'subscriptions/listen')
      return endJson(response, { jsonrpc: '2.0', id: message.id, result: {} });
    open = response;
    openStream(response);
    response.write(event({ jsonrpc: '2.0', method: 'notifications/subscriptions/acknowledged' }));
  });
  const { bridge, seen } = scene;
  const _meta = { 'io.modelcontextprotocol/protocolVersion': '2026-07-28' };
  bridge.send({ jsonrpc: '2.0', id: 'sub', method: 'subscriptions/listen', params: { _meta } });
  await waitFor(() => bridge.lines.length === 1, 'the acknowledgement');
  open?.write(event(notice(1)));
  await waitFor(() => bridge.lines.length === 2, 'a notice');
  bridge.send({ jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 'sub' } });
  await waitFor(() => open?.destroyed, 'the end of the stream');
  await bridge.request('ping', { _meta });
  expect(seen.map(({ message }) => message.method)).toEqual(['subscriptions/listen', 'ping']);
  expect(bridge.lines).toHaveLength(3);
});

test('a batch goes out as it is, and its answer comes back as it is', async () => {
  const batch = '[{"jsonrpc":"2.0","id":1,"method":"ping"}, {"jsonrpc":"2.0","id":2,"method":"ping"}]';
  const answer = '[{"jsonrpc":"2.0","id":2,"result":{}},{"jsonrpc":"2.0","id":1,"result":{}}]';
  await using scene = await startScripted(({ response }) => endJson(response, JSON.parse(answer)));
  scene.bridge.send(batch);
  await waitFor(() => scene.bridge.lines.length === 1, 'the answer');
  expect(scene.bridge.lines).toEqual([answer]);
  expect(scene.seen.map(({ body }) => body)).toEqual([batch]);
});

test('a server without a stream of its own is asked once', async () => {
  await using scene = await startScripted(({ response, message }) => {
    if (message.method === 'GET') response.writeHead(405).end();
    else endJson(response, { jsonrpc: '2.0', id: message.id, result: {} });
  });
  await scene.bridge.initialize();
  await waitFor(() => scene.seen.some(({ message }) => message.method === 'GET'), 'the question');
  for (let round = 0; round < 5; round += 1) await scene.bridge.request('ping');
  expect(scene.seen.filter(({ message }) => message.method === 'GET')).toHaveLength(1);
  expect(scene.bridge.complaints).toBe('');
});

test('what the client sends after the handshake waits until the server has taken it', async () => {
  await using scene = await startScripted(({ response, message }) => {
    if (message.method === 'GET') response.writeHead(405).end();
    else endJson(response, { jsonrpc: '2.0', id: message.id, result: {} });
  });
  const { bridge, seen } = scene;
  bridge.send({ jsonrpc: '2.0', id: 'i', method: 'initialize', params: {} });
  bridge.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
  expect(await bridge.request('tools/list')).toHaveProperty('result');
  expect(seen.map(({ message }) => message.method).filter((method) => method !== 'GET')).toEqual([
    'initialize',
    'notifications/initialized',
    'tools/list',
  ]);
});

test('a session whose stream finds it forgotten is made anew at once, and the client is told to list again', async () => {
  let streams = 0;
  await using scene = await startScripted(({ response }) => {
    streams += 1;
    if (streams === 2) return void response.writeHead(404).end();
    openStream(response);
    if (streams === 1) response.end();
  });
  const { bridge, seen } = scene;
  await bridge.initialize();
  await waitFor(() => streams === 3, 'the new stream');
  expect(seen.map(({ message }) => message.method)).toEqual([
    'initialize',
    'notifications/initialized',
    'GET',
    'GET',
    'initialize',
    'notifications/initialized',
    'GET',
  ]);
  await waitFor(() => bridge.lines.length === 2, 'the notice');
  expect(bridge.messages[1]).toEqual({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
});

test('no more than a bounded number of requests is sent at once, and all are answered in the end', async () => {
  const held: (() => void)[] = [];
  await using scene = await startScripted(({ response, message }) => {
    held.push(() => endJson(response, { jsonrpc: '2.0', id: message.id, result: {} }));
  });
  const { bridge } = scene;
  const lines = Array.from({ length: 600 }, (_, id) => JSON.stringify({ jsonrpc: '2.0', id, method: 'ping' }));
  bridge.send(lines.join('\n'));
  await waitFor(() => held.length === 256, 'as many as may run');
  let answered = 0;
  await waitFor(() => {
    const open = held.splice(0);
    expect(open.length).toBeLessThanOrEqual(256);
    for (const end of open) end();
    answered += open.length;
    return bridge.lines.length === 600;
  }, 'all answers');
  expect(answered).toBe(600);
});

test('a client that does not read holds the server back, and loses nothing', async () => {
  const block = 'x'.repeat(100_000);
  let sent = 0;
  let stuckSince = 0;
  await using scene = await startScripted(({ response, message }) => {
    openStream(response);
    const write = (): void => {
      while (sent < 600) {
        sent += 1;
        stuckSince = performance.now();
        if (!response.write(event({ ...notice(sent), params: { n: sent, block } })))
          return void response.once('drain', write);
      }
      response.end(event({ jsonrpc: '2.0', id: message.id, result: {} }));
    };
    write();
  });
  const { bridge } = scene;
  bridge.pause();
  bridge.send({ jsonrpc: '2.0', id: 1, method: 'tools/call' });
  await waitFor(() => sent > 0 && performance.now() - stuckSince > 500, 'the server to be held back');
  expect(sent).toBeLessThan(400);
  bridge.resume();
  await waitFor(() => bridge.lines.length === 601, 'everything');
  expect(bridge.messages.slice(0, 600).map(({ params }) => params?.['n'])).toEqual(
    Array.from({ length: 600 }, (_, index) => index + 1),
  );
});

test('a client that has gone ends the bridge', async () => {
  await using scene = await startScripted(({ response, message }) => {
    endJson(response, { jsonrpc: '2.0', id: message.id, result: {} });
  });
  await scene.bridge.request('ping');
  scene.bridge.closeOutput();
  scene.bridge.send({ jsonrpc: '2.0', id: 2, method: 'ping' });
  expect(await scene.bridge.exit).toBe(0);
});
