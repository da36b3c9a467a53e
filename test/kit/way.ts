import { connect, createServer, type Socket } from 'node:net';

/** A way to a database that can be cut and mended. */
export function openWay() {
  const sockets = new Set<Socket>();
  let isCut = false;
  let target = { host: '', port: 0 };
  const server = createServer((inbound) => {
    const outbound = connect(target);
    for (const [from, to] of [
      [inbound, outbound],
      [outbound, inbound],
    ] as const) {
      sockets.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
    }
    if (isCut) inbound.destroy();
  });
  const cut = (): void => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    cut,
    mend: () => void (isCut = false),
    async through(url: string): Promise<string> {
      const way = new URL(url);
      target = { host: way.hostname, port: Number(way.port) };
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const address = server.address();
      way.port = String(typeof address === 'object' ? address?.port : '');
      return way.href;
    },
    [Symbol.asyncDispose]: async () => {
      cut();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
