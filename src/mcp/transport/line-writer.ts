import type { Writable } from 'node:stream';
import { GatewayError } from '../../lib/errors.ts';

/** Neither a message of a server may be larger, nor what waits for one. */
export const MAX_MESSAGE = 64 * 1024 * 1024;

const NEWLINE = Buffer.from('\n');

export interface LineWriter {
  /** Throws when the other side has not read for a long time. */
  readonly send: (line: string | Buffer) => void;
  /** Writes what is left, and ends the stream. */
  readonly end: () => void;
}

/** Writes the lines of one turn of the event loop at once: a system call costs more than the message. */
export function createLineWriter(stream: Writable, limit = MAX_MESSAGE): LineWriter {
  let isPlanned = false;
  let parts: Buffer[] = [];
  let text = '';

  function flush(): void {
    isPlanned = false;
    if (parts.length === 0) {
      if (text !== '') stream.write(text);
    } else {
      stream.write(Buffer.concat(text === '' ? parts : [...parts, Buffer.from(text)]));
      parts = [];
    }
    text = '';
  }

  return {
    send(line) {
      if (stream.writableLength > limit) {
        throw new GatewayError('upstream_unreachable', 'the server does not read its input any more');
      }
      if (!isPlanned) setImmediate(flush);
      isPlanned = true;
      if (typeof line === 'string') {
        text += `${line}\n`;
        return;
      }
      // Lines keep their order.
      if (text !== '') parts.push(Buffer.from(text));
      text = '';
      parts.push(line, NEWLINE);
    },
    end() {
      flush();
      stream.end();
    },
  };
}
