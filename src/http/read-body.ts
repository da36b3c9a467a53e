import type { IncomingMessage } from 'node:http';
import { GatewayError, messageOf } from '../lib/errors.ts';

/** The largest request body that the management and inference APIs take. */
export const MAX_BODY_BYTES = 10 * 1024 * 1024;

interface Headers {
  readonly contentLength: string | null | undefined;
  readonly contentEncoding: string | null | undefined;
}

/** Collects a request body, from Node's request or a web stream, and refuses one that is too large before it is all in memory. */
export async function readBody(source: AsyncIterable<Uint8Array> | null, headers: Headers): Promise<Buffer> {
  const encoding = headers.contentEncoding ?? 'identity';
  if (encoding !== 'identity')
    throw new GatewayError('unsupported_media_type', `Content-Encoding ${encoding} is not supported`);
  if (Number(headers.contentLength ?? 0) > MAX_BODY_BYTES) throw tooLarge(); // announced: nothing is read at all
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source ?? []) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** {@link readBody} for a request of `node:http`. */
export function readNodeBody(request: IncomingMessage): Promise<Buffer> {
  const headers = {
    contentLength: request.headers['content-length'],
    contentEncoding: request.headers['content-encoding'],
  };
  // The plain iterator would destroy the socket when we stop reading, and the refusal would never arrive.
  return readBody(request.iterator({ destroyOnReturn: false }), headers);
}

function tooLarge(): GatewayError {
  return new GatewayError('payload_too_large', `the body is larger than ${MAX_BODY_BYTES} bytes`);
}

/** Parses a request body whatever its Content-Type says: many scripts forget the header. */
export function parseJson(bytes: Buffer, complaint = 'Invalid request payload'): unknown {
  if (bytes.length === 0) throw new GatewayError('invalid_request', `${complaint}: the body is empty`);
  try {
    return JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw new GatewayError('invalid_request', `${complaint}: ${messageOf(error)}`, { cause: error });
  }
}
