import { existsSync, readFileSync } from 'node:fs';
import { createServer, request as send, type IncomingMessage, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

/** What passed between two peers, one line each: `>` towards the server, `<` back, `x` given up by the client. */
export interface Record {
  lines(): string[];
}

export interface HttpRecorder extends Record, AsyncDisposable {
  /** The same server, seen through the recorder. */
  readonly url: string;
}

const HEADERS = ['mcp-protocol-version', 'mcp-session-id', 'mcp-method', 'mcp-name', 'last-event-id'];

/** A proxy on a free port that writes down what passes; events of a stream pass at once. */
export async function recordHttp(target: string): Promise<HttpRecorder> {
  const lines: string[] = [];
  const { origin, pathname } = new URL(target);
  const server = createServer((request, response) => relay(request, response, origin, lines));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${pathname}`,
    lines: () => lines,
    async [Symbol.asyncDispose]() {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** The messages that `servers/tee.mjs` wrote into this file. */
export function recordFile(path: string): Record {
  return { lines: () => (existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : []) };
}

function relay(request: IncomingMessage, response: ServerResponse, origin: string, lines: string[]): void {
  const { method = 'GET', url = '/', headers } = request;
  const shown = HEADERS.flatMap((name) => (headers[name] === undefined ? [] : [`${name}=${String(headers[name])}`]));
  const label = `${method} ${url} ${shown.join(' ')}`.trimEnd();
  const { host: _, ...passed } = headers;
  const onward = send(`${origin}${url}`, { method, headers: passed, agent: false }, (answer) => {
    const { statusCode = 502, headers: back } = answer;
    response.writeHead(statusCode, back);
    response.flushHeaders();
    answer.on('data', (part: Buffer) => {
      lines.push(
        `< ${statusCode} ${part
          .toString()
          .trim()
          .replaceAll(/\s*\n\s*/g, ' ⏎ ')}`,
      );
      response.write(part);
    });
    answer.on('end', () => {
      if (Number(back['content-length'] ?? 0) === 0 && back['transfer-encoding'] === undefined)
        lines.push(`< ${statusCode}`);
      response.end();
    });
    answer.on('error', () => response.destroy());
  });
  onward.on('error', () => response.destroy());
  const sent: Buffer[] = [];
  request.on('data', (part: Buffer) => void sent.push(part));
  request.on('end', () => {
    lines.push(`> ${label} ${Buffer.concat(sent).toString()}`);
    onward.end(Buffer.concat(sent));
  });
  response.on('close', () => {
    if (response.writableFinished) return;
    lines.push(`x ${label}`);
    onward.destroy();
  });
}
