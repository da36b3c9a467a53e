import { crc32 } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { writeBedrockEvent, writeEventMessage } from '../../../test/kit/event-stream.ts';
import { createEventStreamParser } from './event-stream.ts';
import type { StreamEvent } from './format.ts';

/** Messages that Amazon's own SDK for Python decodes in its tests, as hexadecimal digits. */
const AMAZONS = {
  empty: '000000100000000005c248eb7d98c8ff',
  payload: '0000001d00000000fd528c5a7b27666f6f273a27626172277dc3653936',
  everyHeader:
    '00000062000000520' +
    '3b5cb9c0130000131010132020201330300030134040000000401350500000000000000050136060005627974657301370700047574663801380800000000000000080139093031323334353637383961626364656663353671',
  error:
    '0000005200000042bf23637e0d3a6d6573736167652d747970650700056572726f720b3a6572726f722d636f6465070004636f64650e3a6572726f722d6d6573736167650700076d6573736167656b6cea3d',
};

describe("Amazon's published messages", () => {
  test('a message without headers, and one with every kind of header, are read and say nothing', () => {
    expect(parse(bytes(AMAZONS.empty))).toEqual([]);
    expect(parse(bytes(AMAZONS.everyHeader))).toEqual([]);
  });

  test('an error is an event that says what is wrong', () => {
    expect(parse(bytes(AMAZONS.error))).toEqual([{ event: 'exception', data: { type: 'code', message: 'message' } }]);
  });

  test('a payload that is not JSON is refused', () => {
    expect(() => parse(bytes(AMAZONS.payload))).toThrow('an event is not JSON');
  });

  test('what the tests write is what Amazon writes', () => {
    expect(writeEventMessage({}, '').toString('hex')).toBe(AMAZONS.empty);
    const error = { ':message-type': 'error', ':error-code': 'code', ':error-message': 'message' };
    expect(writeEventMessage(error, '').toString('hex')).toBe(AMAZONS.error);
  });
});

const json = fc.dictionary(fc.string(), fc.jsonValue());
const events = fc.array(
  fc.record({ event: fc.stringMatching(/^[a-z]{1,20}$/).filter((name) => name !== 'exception'), data: json }),
  { maxLength: 6 },
);

test('any split of the bytes gives the same events', () => {
  fc.assert(
    fc.property(events, fc.array(fc.nat()), (sent, cuts) => {
      const stream = Buffer.concat(sent.map(({ event, data }) => writeBedrockEvent(event, data)));
      const received: StreamEvent[] = [];
      const parser = createEventStreamParser((event) => received.push(event));
      for (const piece of split(stream, cuts)) parser.push(piece);
      expect(received).toEqual(JSON.parse(JSON.stringify(sent)));
      expect(parser.isComplete()).toBe(true);
    }),
  );
});

test('no single bit can be changed unnoticed, and nothing after it is delivered', () => {
  const good = writeBedrockEvent('messageStart', { role: 'assistant' });
  const later = writeBedrockEvent('messageStop', { stopReason: 'end_turn' });
  fc.assert(
    fc.property(fc.nat({ max: good.length * 8 - 1 }), (bit) => {
      const bad = Buffer.from(good);
      bad.writeUInt8(bad.readUInt8(bit >> 3) ^ (1 << (bit & 7)), bit >> 3);
      const received: StreamEvent[] = [];
      const parser = createEventStreamParser((event) => received.push(event));
      expect(() => parser.push(Buffer.concat([good, bad, later]))).toThrow('the event stream is damaged');
      expect(received).toEqual([{ event: 'messageStart', data: { role: 'assistant' } }]);
    }),
  );
});

test('a stream that was cut off inside a message is not complete', () => {
  const parser = createEventStreamParser(() => {});
  parser.push(writeBedrockEvent('messageStart', {}).subarray(0, 20));
  expect(parser.isComplete()).toBe(false);
});

test('an exception keeps its name and its other members', () => {
  const thrown = writeBedrockEvent('exception', { type: 'throttlingException', message: 'Too many', retry: 1 });
  expect(parse(thrown)).toEqual([
    { event: 'exception', data: { type: 'throttlingException', message: 'Too many', retry: 1 } },
  ]);
});

test('a message that claims to be huge is refused before it is waited for', () => {
  const prelude = Buffer.alloc(12);
  prelude.writeUInt32BE(64 * 1024 * 1024 + 1, 0);
  prelude.writeUInt32BE(crc32(prelude.subarray(0, 8)), 8);
  expect(() => parse(prelude)).toThrow('larger than 64 MiB');
});

function parse(stream: Buffer): StreamEvent[] {
  const received: StreamEvent[] = [];
  createEventStreamParser((event) => received.push(event)).push(stream);
  return received;
}

function bytes(hex: string): Buffer {
  return Buffer.from(hex, 'hex');
}

function split(stream: Buffer, cuts: number[]): Buffer[] {
  const places = cuts.map((cut) => cut % (stream.length + 1)).toSorted((a, b) => a - b);
  return [0, ...places].map((from, index) => stream.subarray(from, places[index] ?? stream.length));
}
