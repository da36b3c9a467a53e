import { GatewayError, messageOf } from '../lib/errors.ts';
import { joinChunks } from '../lib/join-chunks.ts';
import type { HotRequest } from './hot.ts';
import { LaneRequest } from './lane/lane-request.ts';

/** The largest request body that the management and inference APIs take. */
export const MAX_BODY_BYTES = 10 * 1024 * 1024;

interface Headers {
  readonly contentLength: string | null | undefined;
  readonly contentEncoding: string | null | undefined;
}

/** Collects a request body from a web stream, and refuses one that is too large before it is all in memory. */
export async function readBody(source: AsyncIterable<Uint8Array> | null, headers: Headers): Promise<Buffer> {
  const encoding = headers.contentEncoding ?? 'identity';
  if (encoding !== 'identity') throw unsupportedEncoding(encoding);
  if (Number(headers.contentLength ?? 0) > MAX_BODY_BYTES) throw tooLarge(MAX_BODY_BYTES); // announced: nothing is read at all
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of source ?? []) {
    size += chunk.byteLength;
    if (size > MAX_BODY_BYTES) throw tooLarge(MAX_BODY_BYTES);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** {@link readBody} for a request of `node:http`. By events: an iterator would cost a promise per chunk on every tool call. */
export function readNodeBody(request: HotRequest, limit = MAX_BODY_BYTES): Promise<Buffer> {
  const { 'content-length': length = 0, 'content-encoding': encoding = 'identity' } = request.headers;
  return new Promise((resolve, reject) => {
    if (encoding !== 'identity') return reject(unsupportedEncoding(encoding));
    if (Number(length) > limit) return reject(tooLarge(limit)); // announced: nothing is read at all
    if (request instanceof LaneRequest) return resolve(request.body);
    let chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= limit) chunks.push(chunk);
      else {
        // Not destroyed: the refusal must still arrive.
        chunks = [];
        request.pause();
        reject(tooLarge(limit));
      }
    });
    request.on('end', () => resolve(joinChunks(chunks)));
    request.on('error', reject);
    request.on('close', () => {
      if (!request.complete) reject(new GatewayError('call_cancelled', 'the caller went away'));
    });
  });
}

function tooLarge(limit: number): GatewayError {
  return new GatewayError('payload_too_large', `the body is larger than ${limit} bytes`);
}

function unsupportedEncoding(encoding: string): GatewayError {
  return new GatewayError('unsupported_media_type', `Content-Encoding ${encoding} is not supported`);
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
