import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { setImmediate, setTimeout as sleep } from 'node:timers/promises';
import { errors, type buildConnector, type Dispatcher } from 'undici';
import { expect, test } from 'vitest';
import { ask, connector, listenScripted, type ScriptedPeer } from '../../../test/kit/scripted-peer.ts';
import { Http1Client } from './client.ts';

const OK = 'HTTP/1.1 200 OK\r\n';
const HELLO = `${OK}content-length: 5\r\n\r\nhello`;
const STOP = new Error('stopped');

const open = (peer: { origin: string }, idleTime?: number): Http1Client =>
  new Http1Client(peer.origin, { connect: connector(), ...(idleTime === undefined ? {} : { idleTime }) });

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await sleep(2);
}

test('connections are kept, the last one is used first, and there are as many as requests run', async () => {
  await using peer = await listenScripted([[HELLO]]);
  const client = open(peer);
  await Promise.all(Array.from({ length: 5 }, () => ask(client)));
  expect(peer.connections).toHaveLength(5);
  for (let times = 0; times < 5; times += 1) await ask(client);
  expect(peer.connections.map(({ length }) => length).toSorted((a, b) => a - b)).toEqual([1, 1, 1, 1, 6]);
  await client.destroy();
});

test('an idle connection is not used for longer than the client wants, and is closed', async () => {
  await using peer = await listenScripted([[HELLO]]);
  const client = open(peer, 20);
  await ask(client);
  await sleep(25);
  await ask(client);
  expect(peer.connections).toHaveLength(2);
  await until(() => peer.sockets.every(({ destroyed }) => destroyed));
  await client.destroy();
});

test('what the server sends unasked ends the connection, and is no response to the next request', async () => {
  await using peer = await listenScripted([[HELLO]]);
  const client = open(peer);
  await ask(client);
  // In the same turn, so that the client cannot have read it when it is asked again.
  peer.sockets[0]?.write(`${OK}content-length: 3\r\n\r\nbad`);
  expect(await ask(client)).toMatchObject({ body: 'hello' });
  expect(peer.connections).toEqual([[expect.anything()], [expect.anything()]]);
  await client.destroy();
});

test('a request meets no connection that has ended meanwhile', async () => {
  await using peer = await listenScripted([[HELLO]]);
  const client = open(peer);
  await ask(client);
  peer.sockets[0]?.end();
  await setImmediate();
  expect(await ask(client)).toMatchObject({ body: 'hello' });
  await client.destroy();
});

type Stage = 'onRequestStart' | 'onResponseStart' | 'onResponseData' | 'onResponseEnd';

test.for<[Stage, string]>([
  ['onRequestStart', ''],
  ['onResponseStart', ''],
  ['onResponseData', 'hel'],
])('an abort in %s is told once, and nothing after it', async ([stage, body]) => {
  await using peer = await listenScripted([[`${OK}content-length: 5\r\n\r\nhel`, 'lo']]);
  const client = open(peer);
  const told: string[] = [];
  const abort = (controller: Dispatcher.DispatchController): void => {
    told.push('before');
    controller.abort(STOP);
    controller.abort(new Error('again'));
    expect(controller).toMatchObject({ aborted: true, reason: STOP });
  };
  const outcome = await ask(
    client,
    {},
    { [stage]: abort, onResponseError: (_, error) => void told.push(error.message) },
  );
  await sleep(20);
  expect(told).toEqual(['before', 'stopped']);
  expect(outcome).toMatchObject({ body, error: 'stopped' });
  await until(() => peer.sockets.every(({ destroyed }) => destroyed));
  await client.destroy();
});

test.for<Stage>(['onRequestStart', 'onResponseStart', 'onResponseData', 'onResponseEnd'])(
  'what a handler throws in %s is its error, and hurts no other request',
  async (stage) => {
    await using peer = await listenScripted([[HELLO]]);
    const client = open(peer);
    const fail = (): void => {
      throw STOP;
    };
    expect(await ask(client, {}, { [stage]: fail })).toMatchObject({ error: 'stopped' });
    expect(await ask(client)).toMatchObject({ body: 'hello' });
    await client.destroy();
  },
);

test('an abort while nothing has come, and while the body is being sent', async () => {
  await using silent = await listenScripted([[]]);
  const client = open(silent);
  for (const body of ['{}', Buffer.alloc(20_000_000)]) {
    let controller: Dispatcher.DispatchController | undefined;
    const asked = ask(client, { body }, { onRequestStart: (given) => void (controller = given) });
    await until(() => controller !== undefined);
    await sleep(5);
    controller?.abort(STOP);
    expect(await asked).toEqual({ body: '', error: 'stopped' });
  }
  await client.destroy();
});

test('a response that comes while the body is being sent is taken, and the connection is not used again', async () => {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    // It reads no more than the beginning.
    socket.once('data', () => socket.pause().write(HELLO));
    socket.on('error', () => undefined);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = open({ origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}` });
  expect(await ask(client, { body: Buffer.alloc(20_000_000) })).toMatchObject({ body: 'hello' });
  expect(await ask(client)).toMatchObject({ body: 'hello' });
  expect(sockets).toHaveLength(2);
  await client.destroy();
  for (const socket of sockets) socket.destroy();
  server.close();
});

test('a client that pauses makes the server stop, and gets all of it in the end', async () => {
  const SIZE = 50_000_000;
  let sent = 0;
  await using host = await listen((socket) => {
    socket.write(`${OK}content-length: ${SIZE}\r\n\r\n`);
    const piece = Buffer.alloc(500_000, 'a');
    const more = (): void => {
      while (sent < SIZE) {
        sent += piece.length;
        if (!socket.write(piece)) return void socket.once('drain', more);
      }
    };
    more();
  });
  const client = open(host);
  let got = 0;
  let controller: Dispatcher.DispatchController | undefined;
  let ended = false;
  client.dispatch(
    { path: '/', method: 'GET' },
    {
      onRequestStart: (given) => void (controller = given),
      onResponseStart: () => undefined,
      onResponseData(given, chunk) {
        if (got === 0) given.pause();
        got += chunk.length;
      },
      onResponseEnd: () => void (ended = true),
      onResponseError: (_, error) => expect.unreachable(error.message),
    },
  );
  await until(() => got > 0);
  const first = got;
  for (let before = -1; before !== sent; await sleep(50)) before = sent;
  expect(got).toBe(first);
  expect(sent).toBeLessThan(SIZE);
  controller?.resume();
  await until(() => ended);
  expect(got).toBe(SIZE);
  await client.destroy();
});

test('after a pause nothing comes until it is resumed, also of what has been read, and of the end', async () => {
  const chunked = `${OK}transfer-encoding: chunked\r\n\r\n1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n`;
  for (const answer of [
    [chunked],
    [`${OK}\r\na`, 'b', 'c', 'END'],
    [`${OK}connection: close\r\ncontent-length: 3\r\n\r\nabc`, 'END'],
  ] as const) {
    await using peer = await listenScripted([answer]);
    const client = open(peer);
    const told: string[] = [];
    let isPaused = false;
    const pause = (what: string, controller: Dispatcher.DispatchController): void => {
      expect(isPaused, `${what} after ${told.at(-1)}`).toBe(false);
      told.push(what);
      isPaused = true;
      controller.pause();
      setTimeout(() => {
        isPaused = false;
        controller.resume();
      }, 25);
    };
    const outcome = await ask(
      client,
      {},
      {
        onResponseStart: (controller) => pause('head', controller),
        onResponseData: (controller, chunk) => pause(chunk.toString(), controller),
        onResponseEnd: () => expect(isPaused).toBe(false),
      },
    );
    expect(outcome).toMatchObject({ body: 'abc', trailers: {} });
    expect(told.join('')).toBe('headabc');
    await client.destroy();
  }
});

test('to pause and to resume at once changes nothing', async () => {
  await using peer = await listenScripted([[`${OK}content-length: 5\r\n\r\nhel`, 'lo']]);
  const client = open(peer);
  const both = (controller: Dispatcher.DispatchController): void => {
    controller.pause();
    expect(controller.paused).toBe(true);
    controller.resume();
  };
  const steer = { onRequestStart: both, onResponseStart: both, onResponseData: both };
  expect(await ask(client, {}, steer)).toMatchObject({ body: 'hello' });
  expect(await ask(client, {}, steer)).toMatchObject({ body: 'hello' });
  expect(peer.connections).toHaveLength(1);
  await client.destroy();
});

test('destroy ends what runs, what waits for a connection and what comes later', async () => {
  await using peer = await listenScripted([[]]);
  const client = open(peer);
  const running = ask(client);
  await until(() => peer.connections[0]?.length === 1);
  const connecting = ask(client);
  const gone = client.destroy(STOP);
  expect(await Promise.all([running, connecting])).toMatchObject([{ error: 'stopped' }, { error: 'stopped' }]);
  await gone;
  expect(client.destroyed).toBe(true);
  expect(await ask(client)).toMatchObject({ error: 'UND_ERR_DESTROYED' });
  await expect(client.close()).rejects.toThrow(errors.ClientDestroyedError);
  await client.destroy();
});

test('destroy ends a response whose connection has ended while it was paused', async () => {
  await using peer = await listenScripted([[`${OK}\r\nabc`, 'END']]);
  const client = open(peer);
  const asked = ask(client, {}, { onResponseData: (controller) => controller.pause() });
  await until(() => peer.sockets[0]?.destroyed === true);
  await sleep(10);
  await client.destroy(STOP);
  expect(await asked).toMatchObject({ body: 'abc', error: 'stopped' });
});

test('close lets what runs come to its end, and takes nothing more', async () => {
  await using peer = await listenScripted([[`${OK}content-length: 5\r\n\r\nhel`, 'lo']]);
  const client = open(peer);
  const running = ask(client);
  const closed = client.close();
  expect(await ask(client)).toMatchObject({ error: 'UND_ERR_CLOSED' });
  expect(await running).toMatchObject({ body: 'hello' });
  await closed;
  expect(client).toMatchObject({ closed: true, destroyed: true });
  await until(() => peer.sockets.every(({ destroyed }) => destroyed));
  await new Promise<void>((resolve) => new Http1Client(peer.origin, { connect: connector() }).close(resolve));
});

test('a connection that cannot be made is the error of its request, without a start', async () => {
  const refuse: buildConnector.connector = (_, done) => queueMicrotask(() => done(STOP, null));
  const burst: buildConnector.connector = () => {
    throw STOP;
  };
  for (const connect of [refuse, burst]) {
    const client = new Http1Client('http://nowhere.corp', { connect });
    const onRequestStart = (): void => expect.unreachable();
    expect(await ask(client, {}, { onRequestStart })).toEqual({ body: '', error: 'stopped' });
    await client.destroy();
  }
});

test('the connector gets the address without brackets, and the server its Host with them', async () => {
  const targets: buildConnector.Options[] = [];
  const connect: buildConnector.connector = (target, done) => {
    targets.push(target);
    done(STOP, null);
  };
  await ask(new Http1Client('http://[::1]:81', { connect }));
  expect(targets).toMatchObject([{ hostname: '::1', host: '[::1]:81', port: '81', protocol: 'http:' }]);
});

async function listen(
  answer: (socket: Socket) => void,
): Promise<Pick<ScriptedPeer, 'origin' | typeof Symbol.asyncDispose>> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => undefined).once('data', () => answer(socket));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
