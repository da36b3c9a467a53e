import type { Pool } from 'undici';

/** The whole answer to one POST. */
export interface Reply {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  body: Buffer;
  /** When the first byte of the body came, by this process's clock. */
  firstAt: number;
}

/** Where calls go, and the headers that each of them carries. */
export interface Endpoint {
  pool: Pool;
  path: string;
  headers: Record<string, string>;
}

/** One kind of call: what to send for an id, and a check that throws unless the answer is exactly right. */
export interface Call {
  headers: Record<string, string>;
  write(id: number): string;
  check(id: number, reply: Reply): void;
}

/** What each POST of an MCP client carries. */
export const CLIENT_HEADERS = { 'content-type': 'application/json', accept: 'application/json, text/event-stream' };

/** Sends one POST by undici's lowest layer: what the generator costs, it takes from the targets. */
export function post({ pool, path, headers }: Endpoint, body: string): Promise<Reply> {
  return send(pool, 'POST', path, headers, body);
}

function send(
  pool: Pool,
  method: 'POST' | 'DELETE',
  path: string,
  headers: Record<string, string>,
  body: string | null,
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const reply: Reply = { status: 0, headers: {}, body: Buffer.alloc(0), firstAt: 0 };
    const chunks: Buffer[] = [];
    pool.dispatch(
      { path, method, headers, body },
      {
        onRequestStart() {},
        onResponseStart(_controller, status, received) {
          reply.status = status;
          reply.headers = received;
        },
        onResponseData(_controller, chunk) {
          if (chunks.length === 0) reply.firstAt = performance.now();
          chunks.push(chunk);
        },
        onResponseEnd() {
          const [only] = chunks;
          reply.body = chunks.length === 1 && only !== undefined ? only : Buffer.concat(chunks);
          resolve(reply);
        },
        onResponseError: (_controller, error) => reject(error),
      },
    );
  });
}

/** Shakes hands as a client of revision 2025-11-25 and returns the endpoint for its calls. */
export async function openSession(endpoint: Endpoint): Promise<Endpoint> {
  const params = {
    protocolVersion: '2025-11-25',
    capabilities: {},
    clientInfo: { name: 'asbru-bench', version: '1.0.0' },
  };
  const reply = await post(endpoint, JSON.stringify({ jsonrpc: '2.0', id: 0, method: 'initialize', params }));
  const session = reply.headers['mcp-session-id'];
  if (reply.status !== 200 || typeof session !== 'string') throw new Error(`initialize failed: ${describe(reply)}`);

  const headers = { ...endpoint.headers, 'mcp-session-id': session, 'mcp-protocol-version': '2025-11-25' };
  const opened = { ...endpoint, headers };
  const noted = await post(opened, JSON.stringify({ jsonrpc: '2.0', method: 'notifications/initialized' }));
  if (noted.status !== 202) throw new Error(`notifications/initialized failed: ${describe(noted)}`);
  return opened;
}

/** Ends a session, so that rounds do not pile them up in the target. */
export async function closeSession({ pool, path, headers }: Endpoint): Promise<void> {
  const reply = await send(pool, 'DELETE', path, headers, null);
  // 405: a server may leave the end of sessions to itself.
  if (reply.status >= 300 && reply.status !== 405) throw new Error(`closing the session failed: ${describe(reply)}`);
}

/** The JSON text of an answer, be it sent as JSON or as the one event of a stream. */
export function messageOf(reply: Reply): string {
  const text = reply.body.toString();
  if (!String(reply.headers['content-type']).startsWith('text/event-stream')) return text;
  const data = text.split('\n').findLast((line) => line.startsWith('data:'));
  return data?.slice('data:'.length) ?? '';
}

/** A short description of an answer for an error message. */
export function describe(reply: Reply): string {
  return `HTTP ${reply.status} ${reply.body.toString('utf8', 0, 300)}`;
}
