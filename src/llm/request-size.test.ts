import { expect, test } from 'vitest';
import { sizeOf } from './request-size.ts';

const PHOTO = Buffer.alloc(300_000, 'photo').toString('base64');
const PAGE = 6_000;
const measure = (value: unknown): number => sizeOf(Buffer.from(JSON.stringify(value)));

test.each([
  ['an image of chat completions', { type: 'image_url', image_url: { url: `data:image/png;base64,${PHOTO}` } }],
  ['an image of responses', { type: 'input_image', image_url: `data:image/png;base64,${PHOTO}` }],
  ['an image of messages', { source: { type: 'base64', media_type: 'image/png', data: PHOTO } }],
  ['audio', { type: 'input_audio', input_audio: { data: PHOTO, format: 'wav' } }],
  ['a file', { file: { file_data: `data:application/pdf;base64,${PHOTO}` } }],
])('%s counts as a page of text', (_, part) => {
  const words = 'word '.repeat(2_000);
  const size = measure([{ text: words }, part, { text: words }, part]);
  expect(size).toBeGreaterThan(20_000 + 2 * PAGE);
  expect(size).toBeLessThan(20_000 + 2 * PAGE + 500);
});

test('slashes may be escaped', () => {
  const text = JSON.stringify({ data: '/9j/'.repeat(50_000) }).replaceAll('/', '\\/');
  expect(sizeOf(Buffer.from(text))).toBeLessThan(PAGE + 500);
});

test.each([
  ['a text', 'word '.repeat(50_000)],
  ['base64 in a text', { text: PHOTO }],
  ['base64 in arguments', { arguments: JSON.stringify({ data: PHOTO }) }],
  ['an address in a text', { text: `see "data:image/png;base64,${PHOTO}"` }],
  ['nothing', ''],
])('%s counts as long as it is', (_, value) => {
  expect(measure(value)).toBe(Buffer.byteLength(JSON.stringify(value)));
});

test('what ends within an attachment is measured too', () => {
  const cut = Buffer.from(`{"data":"${PHOTO}`);
  expect(sizeOf(cut)).toBeLessThan(PAGE + 500);
});
