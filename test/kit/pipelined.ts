import { once } from 'node:events';
import { connect } from 'node:net';

/** Sends HTTP requests over one connection, many at a time, and gives the bodies in order. Needs a content-length in every answer. */
export interface Pipeline extends Disposable {
  /** Requests to `/mcp`, each as its head lines and its body. */
  post(requests: readonly { head: string; body: string }[]): Promise<string[]>;
}

/** Opens a connection for {@link Pipeline.post}; test clients that parse no more than they must can send much more. */
export async function openPipeline(address: string): Promise<Pipeline> {
  const { hostname, port, host } = new URL(address);
  const socket = connect(Number(port), hostname);
  await once(socket, 'connect');
  let text = '';
  let bodies: string[] = [];
  let wanted = 0;
  let done = Promise.withResolvers<string[]>();
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    for (;;) {
      const end = text.indexOf('\r\n\r\n');
      if (end === -1) return;
      const length = Number(/content-length: (\d+)/i.exec(text.slice(0, end))?.[1]);
      if (!(text.length >= end + 4 + length)) return;
      bodies.push(text.slice(end + 4, end + 4 + length));
      text = text.slice(end + 4 + length);
      if (bodies.length === wanted) done.resolve(bodies);
    }
  });
  socket
    .on('error', (error) => done.reject(error))
    .on('close', () => done.reject(new Error('the connection was closed')));
  return {
    post(requests) {
      bodies = [];
      wanted = requests.length;
      done = Promise.withResolvers();
      const parts = requests.map(
        ({ head, body }) =>
          `POST /mcp HTTP/1.1\r\nhost: ${host}\r\n${head}content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
      );
      socket.write(parts.join(''));
      return done.promise;
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}
