import { crc32 } from 'node:zlib';

/** One message of an Amazon event stream, all of whose headers are texts, as bytes. */
export function writeEventMessage(headers: Readonly<Record<string, string>>, payload: string): Buffer {
  const head = Buffer.concat(Object.entries(headers).map(([name, value]) => writeHeader(name, value)));
  const body = Buffer.from(payload);
  const lengths = Buffer.alloc(8);
  lengths.writeUInt32BE(16 + head.length + body.length, 0);
  lengths.writeUInt32BE(head.length, 4);
  const message = Buffer.concat([lengths, writeCrc(lengths), head, body]);
  return Buffer.concat([message, writeCrc(message)]);
}

/** An event as Bedrock streams it; an event of the name `exception` becomes one of its exceptions. */
export function writeBedrockEvent(event: string, data: Readonly<Record<string, unknown>>): Buffer {
  const { type, ...rest } = data;
  const named =
    event === 'exception'
      ? { ':message-type': 'exception', ':exception-type': String(type) }
      : { ':message-type': 'event', ':event-type': event };
  const payload = JSON.stringify(event === 'exception' ? rest : data);
  return writeEventMessage({ ...named, ':content-type': 'application/json' }, payload);
}

function writeHeader(name: string, value: string): Buffer {
  const text = Buffer.from(value);
  const length = Buffer.alloc(3);
  length.writeUInt8(7, 0);
  length.writeUInt16BE(text.length, 1);
  return Buffer.concat([Buffer.from([Buffer.byteLength(name)]), Buffer.from(name), length, text]);
}

function writeCrc(bytes: Buffer): Buffer {
  const crc = Buffer.alloc(4);
  crc.writeUInt32BE(crc32(bytes));
  return crc;
}
