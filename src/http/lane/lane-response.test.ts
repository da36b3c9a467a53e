import type { Socket } from 'node:net';
import { expect, test } from 'vitest';
import { LaneRequest } from './lane-request.ts';
import { LaneResponse } from './lane-response.ts';

/** A response, and what the socket was given. */
function open({ needsDrain = false } = {}) {
  const writes: string[] = [];
  const socket = {
    writableLength: 0,
    writableNeedDrain: needsDrain,
    write: (text: string | Buffer) => writes.push(String(text)) > 0,
    cork: () => undefined,
    uncork: () => undefined,
    destroy: () => writes.push('destroyed'),
  };
  const request = new LaneRequest('/mcp', {}, socket as unknown as Socket, Buffer.alloc(0));
  return { writes, response: new LaneResponse(request, 5, () => writes.push('ended')) };
}

const nextTurn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

test('small parts of one turn go together, the head before them and the end with the last', async () => {
  const { writes, response } = open();
  response.writeHead(200);
  response.write('first');
  await new Promise((resolve) => process.nextTick(resolve));
  response.write('second');
  expect(writes).toEqual([]);
  await nextTurn();
  expect(writes).toEqual([expect.stringMatching(/^HTTP\/1\.1 200 OK\r\n[^]+\r\n\r\n5\r\nfirst\r\n6\r\nsecond\r\n$/)]);
  response.write('third');
  response.end();
  expect(writes).toHaveLength(1);
  await nextTurn();
  expect(writes.slice(1)).toEqual(['5\r\nthird\r\n0\r\n\r\n', 'ended']);
});

test('what is sent before the end of its turn ends once, after all of it', async () => {
  const { writes, response } = open();
  response.writeHead(200).flushHeaders();
  response.write('part');
  response.end();
  expect(writes).toEqual([expect.stringMatching(/\r\n\r\n$/)]);
  response.destroy();
  await nextTurn();
  expect(writes.slice(1)).toEqual(['4\r\npart\r\n0\r\n\r\n', 'ended', 'destroyed']);
});

test('an end that is too large to wait goes at once, behind what waited', async () => {
  const { writes, response } = open();
  response.writeHead(200).write('first');
  const rest = 'x'.repeat(20_000);
  response.end(rest);
  const sent = [expect.stringMatching(/\r\nfirst\r\n4e20\r\n$/), rest, '\r\n0\r\n\r\n'];
  expect(writes).toEqual(sent);
  await nextTurn();
  expect(writes).toEqual([...sent, 'ended']);
});

test('a part that waits counts as waiting, and is sent before the connection is given up', () => {
  const { writes, response } = open();
  response.writeHead(200).write('part');
  expect(response.writableLength).toBeGreaterThan('part'.length);
  response.destroy();
  expect(writes).toEqual([expect.stringContaining('part'), 'destroyed']);
});

test('nothing of a head that was refused is in the one that is written', () => {
  const { writes, response } = open();
  response.setHeader('x-request-id', '1');
  const refused = { 'content-length': 999, 'x-request-id': '2', 'x-late': 'one\r\ntwo' };
  expect(() => response.writeHead(200, refused)).toThrow('x-late');
  expect([response.statusCode, response.headersSent]).toEqual([200, false]);
  response.writeHead(500, { 'content-type': 'text/plain' }).end('sorry');
  const [head = '', body] = String(writes[0]).split('\r\n\r\n');
  expect([head.replace(/date: .*/, 'date: D').split('\r\n'), body]).toEqual([
    [
      'HTTP/1.1 500 Internal Server Error',
      'x-request-id: 1',
      'content-type: text/plain',
      'date: D',
      'connection: keep-alive',
      'keep-alive: timeout=5',
      'content-length: 5',
    ],
    'sorry',
  ]);
});

test('who writes to a slow reader is told to wait', () => {
  expect(open().response.writeHead(200).write('part')).toBe(true);
  expect(open({ needsDrain: true }).response.writeHead(200).write('part')).toBe(false);
});
