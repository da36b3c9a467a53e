import { collectText, requestHeaders, type HeaderChanges, type McpEndpoint, type RpcMessage } from './wire.ts';

/** One event of a stream, with its id. */
export interface StreamEvent {
  readonly id: string | undefined;
  readonly message: RpcMessage | undefined;
}

/** An event stream that can be cut in the middle. */
export interface RawStream {
  readonly status: number;
  readonly events: readonly StreamEvent[];
  readonly ended: boolean;
  /** Breaks the connection. */
  cut(): Promise<void>;
}

/** Sends a request to `/mcp` and reads the events of the answer as they come, with their ids. */
export async function openRawStream(
  endpoint: McpEndpoint,
  { headers, body, lastEventId }: { headers: HeaderChanges; body?: object; lastEventId?: string },
): Promise<RawStream> {
  const abort = new AbortController();
  const accept = body === undefined ? 'text/event-stream' : 'application/json, text/event-stream';
  const response = await fetch(`${endpoint.address}/mcp`, {
    method: body === undefined ? 'GET' : 'POST',
    headers: requestHeaders(endpoint, {
      accept,
      ...headers,
      ...(lastEventId !== undefined && { 'last-event-id': lastEventId }),
    }),
    signal: abort.signal,
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const arriving = collectText(response);
  return {
    status: response.status,
    get events() {
      const { text } = arriving;
      const complete = text.slice(0, text.lastIndexOf('\n\n') + 2).split('\n\n');
      return complete.filter((event) => event !== '' && !event.startsWith(':')).map(readEvent);
    },
    get ended() {
      return arriving.ended;
    },
    async cut() {
      abort.abort();
      await arriving.reading;
    },
  };
}

function readEvent(text: string): StreamEvent {
  const field = (name: string) => new RegExp(`^${name}: ?(.*)$`, 'm').exec(text)?.[1];
  const data = field('data') ?? '';
  return { id: field('id'), message: data === '' ? undefined : (JSON.parse(data) as RpcMessage) };
}
