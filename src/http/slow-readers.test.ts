import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { expect, test } from 'vitest';
import { waitFor } from '../../test/kit/wait.ts';
import { createSlowReaders } from './slow-readers.ts';

const MB = 1024 * 1024;

/** A server whose connections are watched, and two clients of it. */
async function startScene(options: Parameters<typeof createSlowReaders>[0]) {
  const readers = createSlowReaders(options);
  const accepted: Socket[] = [];
  const server = createServer((socket) => {
    socket.on('error', () => {});
    readers.watch(socket);
    accepted.push(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const open = async (): Promise<{ client: Socket; socket: Socket }> => {
    const client = connect(port, '127.0.0.1');
    client.on('error', () => {});
    const socket = await waitFor(() => accepted.shift(), 'the connection');
    return { client, socket };
  };
  const [slow, other] = [await open(), await open()];
  slow.client.pause();
  return {
    slow,
    other,
    [Symbol.asyncDispose]: async () => {
      readers.close();
      for (const { client } of [slow, other]) client.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

test('when too much waits, who reads nothing is cut off, and who reads is not', async () => {
  await using scene = await startScene({ maxBytes: 8 * MB, checkMs: 10 });
  const { slow, other } = scene;
  let read = 0;
  other.client.on('data', (chunk) => (read += chunk.length));
  slow.socket.write(Buffer.alloc(16 * MB));
  other.socket.write(Buffer.alloc(4 * MB));
  await waitFor(() => slow.socket.destroyed, 'the slow one to be cut off');
  await waitFor(() => read === 4 * MB, 'the other one to have all');
  expect(other.socket.destroyed).toBe(false);
});

test('who reads nothing of a little is cut off after a while, and who is owed nothing is not', async () => {
  await using scene = await startScene({ stallMs: 100, checkMs: 10 });
  const { slow, other } = scene;
  slow.socket.write(Buffer.alloc(16 * MB));
  await waitFor(() => slow.socket.destroyed, 'the slow one to be cut off');
  expect(other.socket.destroyed).toBe(false);
});
