import { expect, test } from 'vitest';
import { ask, askResult, recordEvents, rejection } from '../../../test/kit/connection-peer.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { JsonObject } from '../../lib/json-rpc.ts';
import { createMessagePipe } from './message-pipe.ts';
import type { Connection } from './transport.ts';

/** A pipe whose other end is this test: `sent` is what went out. */
function openPipe(answer?: () => JsonObject, send?: (line: string) => void | Promise<void>) {
  const sent: JsonObject[] = [];
  const events = recordEvents(answer);
  const record = (line: string) => void sent.push(JSON.parse(line) as JsonObject);
  const pipe = createMessagePipe({ send: send ?? record, events, name: 'the server' });
  const connection: Connection = { ...pipe, ready() {}, close: async () => {} };
  const receive = (text: string | object) =>
    pipe.receive(Buffer.from(typeof text === 'string' ? text : JSON.stringify(text)));
  return { pipe, connection, events, sent, receive };
}

/** Lets what is already decided happen. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

test('replies find their requests in any order and keep their bytes', async () => {
  const { connection, receive } = openPipe();
  const first = ask(connection, { method: 'tools/list' });
  const second = ask(connection, { method: 'ping' });
  receive('{"jsonrpc":"2.0","id":2,"error":{"code":-32601, "message":"no"}}');
  receive('{"id":1, "result": {"big":1.00000000000000000001, "b":{}} ,"jsonrpc":"2.0"}');
  expect((await first).bytes.toString()).toBe('{"big":1.00000000000000000001, "b":{}}');
  expect(await second).toMatchObject({ kind: 'error' });
});

test('progress goes to its request, every other notification to the owner', async () => {
  const { connection, events, receive } = openPipe();
  const progress: unknown[] = [];
  const reply = ask(connection, { method: 'tools/call', onNotification: ({ params }) => progress.push(params) });
  receive({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 1, progress: 3 } });
  receive({ jsonrpc: '2.0', method: 'notifications/progress', params: { progressToken: 99, progress: 4 } });
  receive({ jsonrpc: '2.0', method: 'notifications/tools/list_changed' });
  receive({ jsonrpc: '2.0', id: 1, result: {} });
  await reply;
  expect(progress).toEqual([{ progressToken: 1, progress: 3 }]);
  expect(events.notifications.map(({ method, params }) => [method, params?.progressToken])).toEqual([
    ['notifications/progress', 99],
    ['notifications/tools/list_changed', undefined],
  ]);
});

test('a batch is unpacked, and a broken one does nothing at all', async () => {
  const { connection, events, receive } = openPipe();
  const reply = ask(connection, { method: 'ping' });
  expect(receive('[{"jsonrpc":"2.0","method":"notifications/message"}, broken')).toBe(false);
  expect(events.notifications).toEqual([]);
  expect(receive(' [{"jsonrpc":"2.0","method":"a/b"} , {"jsonrpc":"2.0","id":1,"result":{"x": 1}}]')).toBe(true);
  expect((await reply).bytes.toString()).toBe('{"x": 1}');
  expect(events.notifications).toEqual([{ jsonrpc: '2.0', method: 'a/b' }]);
});

test.each(['Server listening', '', '[info] ready', '42', '{"level":30,"msg":"up"}', '{"id":1', 'null', '["a"]'])(
  'the line %j is no message',
  (line) => {
    expect(openPipe().receive(line)).toBe(false);
  },
);

test('a reply that cannot be read rejects its request instead of leaving it to wait', async () => {
  const { connection, receive } = openPipe();
  for (const [index, rest] of ['"result":[1]}', '"result":{"cut', '"neither":1}'].entries()) {
    const reply = ask(connection, { method: 'ping' });
    expect(receive(`{"id":${index + 1},"msg":"a line of a log"}`)).toBe(false);
    expect(receive(`{"jsonrpc":"2.0","id":${index + 1},${rest}`)).toBe(true);
    await rejection(reply, 'upstream_bad_reply');
  }
});

test('a request of the server is answered with what the owner gives', async () => {
  const { sent, receive } = openPipe(() => ({ roots: [] }));
  receive({ jsonrpc: '2.0', id: 'r-1', method: 'roots/list' });
  await settle();
  expect(sent).toEqual([{ jsonrpc: '2.0', id: 'r-1', result: { roots: [] } }]);
});

test('a GatewayError of the owner becomes its JSON-RPC error, any other error tells nothing', async () => {
  const errors = [new GatewayError('method_not_found', 'no sampling here'), new Error('secret path /x')];
  const { sent, receive } = openPipe(() => {
    throw errors.shift() as Error;
  });
  receive({ jsonrpc: '2.0', id: 7, method: 'sampling/createMessage' });
  receive({ jsonrpc: '2.0', id: 8, method: 'sampling/createMessage' });
  await settle();
  expect(sent).toEqual([
    { jsonrpc: '2.0', id: 7, error: { code: -32601, message: 'no sampling here' } },
    { jsonrpc: '2.0', id: 8, error: { code: -32603, message: 'internal error' } },
  ]);
});

test('an abort cancels at the server, rejects at once, and a late reply is dropped', async () => {
  const { connection, events, sent, receive } = openPipe();
  const caller = new AbortController();
  const reply = ask(connection, { method: 'tools/call', signal: caller.signal });
  caller.abort(new Error('the caller left'));
  await rejection(reply, 'call_cancelled');
  expect(sent[1]).toEqual({
    jsonrpc: '2.0',
    method: 'notifications/cancelled',
    params: { requestId: 1, reason: 'the caller left' },
  });
  expect(receive({ jsonrpc: '2.0', id: 1, result: {} })).toBe(true);
  expect(events.notifications).toEqual([]);
});

test('an abort for a reason of our own, such as a time-out, rejects with that reason', async () => {
  const { connection } = openPipe();
  const caller = new AbortController();
  const reply = ask(connection, { method: 'tools/call', signal: caller.signal });
  caller.abort(new GatewayError('upstream_timeout', 'no answer within 30 s'));
  expect(await rejection(reply, 'upstream_timeout')).toBe('no answer within 30 s');
});

test('an aborted handshake is given up without a cancellation, which the protocol forbids', async () => {
  const { connection, sent } = openPipe();
  const caller = new AbortController();
  const reply = ask(connection, { method: 'initialize', signal: caller.signal });
  caller.abort();
  await rejection(reply, 'call_cancelled');
  expect(sent.map(({ method }) => method)).toEqual(['initialize']);
});

test('a request that was aborted before is never sent', async () => {
  const { connection, sent } = openPipe();
  await rejection(ask(connection, { method: 'ping', signal: AbortSignal.abort() }), 'call_cancelled');
  expect(sent).toEqual([]);
});

test('a settled request leaves no listener on its signal', async () => {
  const { connection, sent, receive } = openPipe();
  const caller = new AbortController();
  const reply = ask(connection, { method: 'ping', signal: caller.signal });
  receive({ jsonrpc: '2.0', id: 1, result: {} });
  await reply;
  caller.abort();
  expect(sent).toHaveLength(1);
});

test('a failure rejects what is in flight, and later requests say that nothing was sent', async () => {
  const { pipe, connection, events, sent, receive } = openPipe();
  const inFlight = [ask(connection, { method: 'a' }), ask(connection, { method: 'b' })];
  pipe.fail(new GatewayError('upstream_lost', 'the stream broke'));
  for (const reply of inFlight) await rejection(reply, 'upstream_lost');
  await rejection(ask(connection, { method: 'c' }), 'upstream_unreachable');
  await rejection(connection.notify('{}'), 'upstream_unreachable');
  receive({ jsonrpc: '2.0', method: 'notifications/message' });
  expect(sent).toHaveLength(2);
  expect(events.notifications).toEqual([]);
});

test.each([
  ['throws', () => void expect.fail('broken')],
  ['rejects', () => Promise.reject(new Error('broken'))],
])('a sender that %s rejects the request it was given', async (_, send) => {
  const { connection } = openPipe(undefined, send);
  await expect(askResult(connection, { method: 'ping' })).rejects.toThrow('broken');
});
