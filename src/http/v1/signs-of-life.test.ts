import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { writeComment } from '../../lib/sse-frames.ts';
import { HEARTBEAT_MS } from '../event-stream.ts';
import { createSignsOfLife, type LiveStream } from './signs-of-life.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] }));
afterEach(() => void vi.useRealTimers());

/** A stream, and what its reader would get. */
function open(more: { writableLength?: number; destroyed?: boolean } = {}) {
  const written: string[] = [];
  const write = (bytes: string | Uint8Array): boolean => written.push(Buffer.from(bytes).toString()) > 0;
  const response = { destroyed: false, writableLength: 0, write, ...more };
  const dialect = { signOfLife: (events: number) => writeComment(`after ${events}`) };
  const stream: LiveStream = { response, events: 0, dialect };
  return { stream, written, response };
}

const look = (): unknown => vi.advanceTimersByTime(HEARTBEAT_MS);

test('a stream that is silent from one look to the next gets a sign, and one that speaks does not', () => {
  const signs = createSignsOfLife();
  const [silent, speaking] = [open(), open()];
  signs.begin(silent.stream);
  signs.begin(speaking.stream);
  for (let count = 0; count < 3; count += 1) {
    look();
    speaking.stream.events += 1;
  }
  expect([silent.written, speaking.written]).toEqual([[': after 0\n\n', ': after 0\n\n'], []]);
  look();
  look();
  expect(speaking.written).toEqual([': after 3\n\n']);
});

test('nothing is added to what a slow reader has not taken, nor for one who is gone', () => {
  const signs = createSignsOfLife();
  const [slow, gone] = [open({ writableLength: 1 }), open({ destroyed: true })];
  signs.begin(slow.stream);
  signs.begin(gone.stream);
  for (let count = 0; count < 4; count += 1) look();
  expect([slow.written, gone.written]).toEqual([[], []]);
  slow.response.writableLength = 0;
  look();
  expect(slow.written).toEqual([': after 0\n\n']);
});

test('streams that are over get none, and without any nothing looks', () => {
  const signs = createSignsOfLife();
  const [first, second] = [open(), open()];
  signs.end(signs.begin(first.stream));
  look();
  expect(vi.getTimerCount()).toBe(0);
  signs.begin(second.stream);
  look();
  look();
  expect([first.written, second.written]).toEqual([[], [': after 0\n\n']]);
});
