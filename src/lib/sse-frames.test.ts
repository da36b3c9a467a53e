import { expect, test } from 'vitest';
import * as fc from 'fast-check';
import { createFramer, wireOf, type Frame } from './sse-frames.ts';

const rawOf = (frame: Frame): string => Buffer.from(frame.wire, 'latin1').toString();

const cut = (...chunks: Buffer[]): Frame[] => {
  const framer = createFramer();
  return [...chunks.flatMap((chunk) => framer.push(chunk)), ...framer.end()];
};

test('frames carry their bytes, and what is in them, whichever line ends and fields they have', () => {
  const frames = [
    'data: {"a":"über"}\n\n',
    'data:{"a":1}\n\n',
    'data: one\r\n\r\n',
    'data: two\r\n\n',
    'event: done\ndata: three\n\n',
    'data: four\ndata: five\n\n',
    ': a comment\n\n',
    'data: \n\n',
  ];
  const read = cut(Buffer.from(frames.join('')));
  expect(read.map(rawOf)).toEqual(frames);
  expect(read.map(({ text }) => text)).toEqual([
    '{"a":"über"}',
    '{"a":1}',
    'one',
    'two',
    'three',
    'four\nfive',
    '',
    '',
  ]);
  expect(read.map(({ event }) => event)[4]).toBe('done');
});

test('where the network cuts a stream makes no difference', () => {
  const bytes = Buffer.from('data: {"a":"橋"}\n\nevent: x\r\ndata: two\r\n\r\n: note\n\ndata: end');
  const whole = cut(bytes);
  const places = fc.uniqueArray(fc.nat({ max: bytes.length }), { maxLength: 12 });
  fc.assert(
    fc.property(places, (at) => {
      const ends = [...at.toSorted((a, b) => a - b), bytes.length];
      const chunks = ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
      const told = (frames: Frame[]) => frames.map((frame) => [rawOf(frame), frame.text]);
      expect(told(cut(...chunks))).toEqual(told(whole));
    }),
  );
});

test('a byte order mark before the first event is none of it, but goes on with its bytes', () => {
  const mark = '\uFEFF';
  for (const first of ['data: one\n\n', 'event: begin\r\ndata: über\r\n\r\n', 'data: alone']) {
    const bytes = Buffer.from(
      `${mark}${first}${first.endsWith('\n') ? `data: ${mark}two\n\n${mark}data: three\n\n` : ''}`,
    );
    const whole = cut(bytes);
    expect(wireOf(whole)).toBe(bytes.toString('latin1'));
    // Only one is, and only there (WHATWG HTML, section 9.2.5).
    const rest = whole.length === 1 ? [] : [`${mark}two`, ''];
    expect(whole.map(({ text }) => text)).toEqual([/data: (\S+)/.exec(first)?.[1], ...rest]);
    const pieces = Array.from(bytes, (_, at) => bytes.subarray(at, at + 1));
    expect(cut(...pieces).map(({ text, event }) => [text, event])).toEqual(
      whole.map((frame) => [frame.text, frame.event]),
    );
  }
});

test('an event in many pieces is one frame, and is refused when it grows beyond all measure', () => {
  const piece = Buffer.alloc(1024 * 1024, 'a');
  const [frame, ...others] = cut(
    Buffer.from('data: '),
    piece,
    piece,
    piece,
    Buffer.from('\n'),
    Buffer.from('\ndata: x\n\n'),
  );
  expect(frame?.text).toBe('a'.repeat(3 * piece.length));
  expect(others.map(({ text }) => text)).toEqual(['x']);
  const framer = createFramer();
  for (let count = 0; count < 64; count += 1) framer.push(piece);
  expect(() => framer.push(piece)).toThrow('an event of the stream is larger than 64 MiB');
});
