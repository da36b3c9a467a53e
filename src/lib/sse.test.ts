import fc from 'fast-check';
import { expect, test } from 'vitest';
import { growthOf } from '../../test/kit/old-generation.ts';
import { createSseParser, writeSseEvent } from './sse.ts';

function parse(stream: Buffer, cuts: number[] = []): { event: string; data: string; id: string | undefined }[] {
  const events: { event: string; data: string; id: string | undefined }[] = [];
  const parser = createSseParser((event) => events.push({ ...event, data: event.data.toString() }));
  let from = 0;
  for (const cut of [...cuts.map((c) => c % (stream.length + 1)).toSorted((a, b) => a - b), stream.length]) {
    parser.push(stream.subarray(from, cut));
    from = cut;
  }
  return events;
}

test('events survive any cut of the stream and any line ending', () => {
  const event = fc.record({
    data: fc.string({ unit: 'grapheme', minLength: 1 }),
    name: fc.constantFrom('message', 'endpoint'),
  });
  fc.assert(
    fc.property(fc.array(event), fc.array(fc.nat()), fc.constantFrom('\n', '\r\n', '\r'), (events, cuts, newline) => {
      const clean = events.map((one) => ({ ...one, data: one.data.replaceAll(/[\r\n]/g, ' ') }));
      const text = clean.map((one) => `event: ${one.name}\ndata: ${one.data}\n\n`).join('');
      const parsed = parse(Buffer.from(text.replaceAll('\n', newline)), cuts);
      expect(parsed).toEqual(clean.map((one) => ({ event: one.name, data: one.data, id: undefined })));
    }),
  );
});

test('data of several lines is joined, comments are ignored, ids are kept', () => {
  const stream = Buffer.from(': ping\n\nid: 7\ndata: a\ndata: b\n\ndata:c\n\n');
  expect(parse(stream)).toEqual([
    { event: 'message', data: 'a\nb', id: '7' },
    { event: 'message', data: 'c', id: '7' },
  ]);
});

test('a byte order mark at the beginning, and only there, is none of the stream', () => {
  fc.assert(
    fc.property(fc.array(fc.nat()), (cuts) => {
      const stream = Buffer.from('\uFEFFdata: a\n\n\uFEFFdata: b\n\ndata: \uFEFFc\n\n');
      expect(parse(stream, cuts).map(({ data }) => data)).toEqual(['a', '\uFEFFc']);
    }),
  );
});

test('what is written is read back', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const [event] = parse(Buffer.from(writeSseEvent(JSON.stringify(value, undefined, 1))));
      expect(JSON.parse(event?.data ?? '')).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});

test('the retry hint is reported', () => {
  const hints: number[] = [];
  createSseParser(
    () => undefined,
    (milliseconds) => hints.push(milliseconds),
  ).push(Buffer.from('retry: 1500\n\n'));
  expect(hints).toEqual([1500]);
});

test('an id counts once its event is complete, with data or without', () => {
  const parser = createSseParser(() => undefined);
  const idAfter = (text: string): string | undefined => {
    parser.push(Buffer.from(text));
    return parser.lastEventId();
  };
  expect(idAfter('data: a\n\n')).toBeUndefined();
  expect(idAfter('id: 1\nretry: 5\n')).toBeUndefined();
  expect(idAfter('\n')).toBe('1');
  expect(idAfter('id: 2\ndata: cut')).toBe('1');
  expect(idAfter(' off\n\ndata: without\n\n')).toBe('2');
});

test('a parser that is done with is garbage for the next small collection', () => {
  const event = Buffer.from('data: a\n\n');
  const growth = growthOf((ballast) => createSseParser(() => ballast.length).push(event));
  expect(growth).toBeLessThan(4_000_000);
});
