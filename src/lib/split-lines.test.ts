import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { createLineSplitter } from './split-lines.ts';

function splitWith(limit: number) {
  const lines: string[] = [];
  const splitter = createLineSplitter(limit, (line) => lines.push(line.toString()));
  return { lines, splitter };
}

test('a stream of lines cut at arbitrary places gives the same lines', () => {
  const line = fc.string({ unit: 'grapheme', maxLength: 30 }).map((text) => text.replaceAll('\n', ' '));
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), fc.array(fc.nat({ max: 400 })), (lines, places) => {
      const stream = Buffer.from(lines.map((text) => `${text}\n`).join(''));
      const cuts = [0, ...places.map((place) => Math.min(place, stream.length)).sort((a, b) => a - b), stream.length];
      const split = splitWith(10_000);
      for (let i = 1; i < cuts.length; i++) split.splitter.push(stream.subarray(cuts[i - 1], cuts[i]));
      expect(split.lines).toEqual(lines);
    }),
  );
});

test('a line without its end is held back until the end arrives', () => {
  const { lines, splitter } = splitWith(100);
  splitter.push(Buffer.from('first\nsec'));
  expect(lines).toEqual(['first']);
  splitter.push(Buffer.from('ond\n'));
  expect(lines).toEqual(['first', 'second']);
});

test('a line within one chunk is a view of it, not a copy', () => {
  const chunk = Buffer.from('abc\ndef\n');
  const seen: Buffer[] = [];
  createLineSplitter(100, (line) => seen.push(line)).push(chunk);
  expect(seen.map((line) => line.buffer === chunk.buffer)).toEqual([true, true]);
});

test('a line of exactly the limit passes and one byte more is refused', () => {
  const { lines, splitter } = splitWith(4);
  expect(splitter.push(Buffer.from('abcd\n'))).toBe(true);
  expect(splitter.push(Buffer.from('abcde\n'))).toBe(false);
  expect(lines).toEqual(['abcd']);
});

test('a line that never ends is refused as soon as it is too long', () => {
  const { splitter } = splitWith(6);
  expect(splitter.push(Buffer.from('abcd'))).toBe(true);
  expect(splitter.push(Buffer.from('efg'))).toBe(false);
});
