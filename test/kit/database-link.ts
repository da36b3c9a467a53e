import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A way to a PostgreSQL that can be cut and mended. */
export interface DatabaseLink extends AsyncDisposable {
  /** The URL of the database behind it. */
  readonly url: string;
  /** Breaks all connections, and refuses new ones. */
  cut(): void;
  mend(): void;
}

/** Puts a link in front of a PostgreSQL. */
export async function startDatabaseLink(target: string): Promise<DatabaseLink> {
  const { hostname, port } = new URL(target);
  const sockets = new Set<Socket>();
  const follow = (socket: Socket) =>
    void sockets.add(socket.on('error', () => {}).once('close', () => sockets.delete(socket)));
  let isCut = false;
  const server = createServer((socket) => {
    if (isCut) return void socket.destroy();
    const onward = connect(Number(port), hostname);
    follow(socket);
    follow(onward);
    socket.pipe(onward).pipe(socket);
    socket.once('close', () => onward.destroy());
    onward.once('close', () => socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = new URL(target);
  url.port = String((server.address() as AddressInfo).port);
  const cut = (): void => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    url: url.href,
    cut,
    mend: () => void (isCut = false),
    async [Symbol.asyncDispose]() {
      cut();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}
