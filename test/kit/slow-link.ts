import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A way to a TCP server that can be made slow, or be closed. */
export interface SlowLink extends AsyncDisposable {
  readonly port: number;
  /** What every piece of data waits, in ms. */
  delayMs: number;
  /** Nothing passes while it is set; what comes meanwhile passes later. */
  hold(isHeld: boolean): void;
  /** Cuts all connections, and accepts no new ones until it is opened again. */
  cut(isCut: boolean): void;
}

/** Starts it in front of a port of this machine. */
export async function startSlowLink(to: number): Promise<SlowLink> {
  const open = new Set<Socket>();
  let waiting: (() => void)[] | undefined;
  let isCut = false;

  function pass(from: Socket, into: Socket): void {
    open.add(from);
    from.once('close', () => {
      open.delete(from);
      into.destroy();
    });
    from.on('error', () => into.destroy());
    from.on('data', (chunk: Buffer) => {
      const write = (): void => void into.write(chunk);
      if (waiting !== undefined) waiting.push(write);
      else if (link.delayMs > 0) setTimeout(write, link.delayMs);
      else write();
    });
  }

  const server = createServer((socket) => {
    if (isCut) return void socket.resetAndDestroy();
    const onward = connect(to, '127.0.0.1');
    pass(socket, onward);
    pass(onward, socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');

  const link: SlowLink = {
    port: (server.address() as AddressInfo).port,
    delayMs: 0,
    hold(isHeld) {
      const released = waiting ?? [];
      waiting = isHeld ? released : undefined;
      if (!isHeld) for (const write of released) write();
    },
    cut(now) {
      isCut = now;
      if (isCut) for (const socket of open) socket.destroy();
    },
    async [Symbol.asyncDispose]() {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
  return link;
}
