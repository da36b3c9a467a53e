import { crc32 } from 'node:zlib';
import { GatewayError } from '../../lib/errors.ts';
import type { JsonObject, JsonValue } from '../../lib/json-rpc.ts';
import { asObject, asText } from '../../lib/json-value.ts';
import type { StreamEvent } from './format.ts';

/** Length of everything, length of the headers, CRC of both. */
const PRELUDE = 12;
const CRC = 4;
const MAX_MESSAGE_BYTES = 64 * 1024 * 1024;
/** Bytes of the values of a header whose type has a fixed length; types 6 and 7 carry their own. */
const FIXED: Readonly<Record<number, number>> = { 0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16 };

/** Turns the chunks of an `application/vnd.amazon.eventstream` body into events. */
export interface EventStreamParser {
  /** Throws `provider_bad_reply` for bytes that are not a message. */
  push(chunk: Buffer): void;
  /** True when the stream ended between two messages. */
  isComplete(): boolean;
}

/**
 * Parses Amazon's binary event streams, whichever way the bytes are cut. Events before a fault have been delivered. What the
 * provider reports as an error or exception becomes an event of the name `exception` with `type` and `message`.
 */
export function createEventStreamParser(onEvent: (event: StreamEvent) => void): EventStreamParser {
  let held: Buffer[] = [];
  let heldBytes = 0;
  let wanted = PRELUDE;

  return {
    isComplete: () => heldBytes === 0,
    push(chunk) {
      held.push(chunk);
      heldBytes += chunk.length;
      // Joined only when something can be read, so that a large message in small pieces is not copied again and again.
      if (heldBytes < wanted) return;
      let bytes = held.length === 1 ? chunk : Buffer.concat(held);
      for (;;) {
        wanted = bytes.length < PRELUDE ? PRELUDE : messageLength(bytes);
        if (bytes.length < wanted) break;
        const event = readMessage(bytes.subarray(0, wanted));
        bytes = bytes.subarray(wanted);
        if (event !== undefined) onEvent(event);
      }
      held = bytes.length === 0 ? [] : [bytes];
      heldBytes = bytes.length;
    },
  };
}

function messageLength(bytes: Buffer): number {
  if (crc32(bytes.subarray(0, 8)) !== bytes.readUInt32BE(8)) throw damaged('the checksum of a prelude is wrong');
  const length = bytes.readUInt32BE(0);
  const least = PRELUDE + bytes.readUInt32BE(4) + CRC;
  if (length < least) throw damaged('the headers of a message are longer than the message');
  if (length > MAX_MESSAGE_BYTES) throw damaged('a message is larger than 64 MiB');
  return length;
}

function readMessage(message: Buffer): StreamEvent | undefined {
  const end = message.length - CRC;
  if (crc32(message.subarray(0, end)) !== message.readUInt32BE(end))
    throw damaged('the checksum of a message is wrong');
  const body = PRELUDE + message.readUInt32BE(4);
  const headers = readHeaders(message.subarray(PRELUDE, body));
  const kind = headers.get(':message-type');
  if (kind === 'error') {
    const type = headers.get(':error-code') ?? 'error';
    return { event: 'exception', data: { type, message: headers.get(':error-message') ?? type } };
  }
  const data = readPayload(message.subarray(body, end));
  if (kind === 'exception') {
    const type = headers.get(':exception-type') ?? 'exception';
    return {
      event: 'exception',
      data: { ...data, type, message: asText(data.message) ?? asText(data.Message) ?? type },
    };
  }
  const event = headers.get(':event-type');
  return event === undefined ? undefined : { event, data };
}

/** The headers that are texts; no other kind says anything about the event. */
function readHeaders(bytes: Buffer): Map<string, string> {
  const headers = new Map<string, string>();
  let at = 0;
  while (at < bytes.length) {
    const nameEnd = at + 1 + (bytes[at] ?? 0);
    const type = bytes[nameEnd];
    const isCounted = type === 6 || type === 7;
    if (isCounted && nameEnd + 3 > bytes.length) throw damaged('a header is cut off');
    const from = nameEnd + (isCounted ? 3 : 1);
    const length = isCounted ? bytes.readUInt16BE(nameEnd + 1) : FIXED[type ?? -1];
    if (length === undefined || from + length > bytes.length)
      throw damaged('a header is cut off or of an unknown type');
    if (type === 7) headers.set(bytes.toString('utf8', at + 1, nameEnd), bytes.toString('utf8', from, from + length));
    at = from + length;
  }
  return headers;
}

function readPayload(bytes: Buffer): JsonObject {
  if (bytes.length === 0) return {};
  try {
    const data = asObject(JSON.parse(bytes.toString()) as JsonValue);
    if (data !== undefined) return data;
  } catch (error) {
    throw damaged('an event is not JSON', error);
  }
  throw damaged('an event is not a JSON object');
}

function damaged(what: string, cause?: unknown): GatewayError {
  return new GatewayError('provider_bad_reply', `the event stream is damaged: ${what}`, { cause });
}
