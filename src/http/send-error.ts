import type { OutgoingHttpHeaders } from 'node:http';
import type { HotRequest, HotResponse } from './hot.ts';

interface RenderedError {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  /** What JSON is made of, or the text of it. */
  readonly body: object | string;
}

/**
 * Answers with an error, whatever was tried before. An answer that has begun is cut off instead, so that nobody takes it for whole;
 * and when there is nobody left to be told, nothing is rendered.
 */
export function sendError(response: HotResponse, render: () => RenderedError, more: OutgoingHttpHeaders = {}): void {
  if (response.destroyed || response.writableEnded) return;
  if (response.headersSent) return void response.destroy();
  const { status, headers, body } = render();
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  // Node keeps the fields of a head that it refused: the length of another body may be among them.
  response.writeHead(status, { ...headers, ...more, 'content-length': Buffer.byteLength(text) }).end(text);
}

/** What is left of a body that was refused is not read: the connection ends with the answer. */
export function closeUnlessRead({ complete }: HotRequest): OutgoingHttpHeaders {
  return complete ? {} : { connection: 'close' };
}
