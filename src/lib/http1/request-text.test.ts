import type { Dispatcher } from 'undici';
import { expect, test } from 'vitest';
import { writeRequest } from './request-text.ts';

function textWith(headers: string[]): string | undefined {
  const options: Dispatcher.DispatchOptions = { path: '/', method: 'GET', headers };
  return writeRequest(options, 'host: h\r\n')?.text;
}

test('a list of fields that may change is written anew each time, a frozen one is not looked at again', () => {
  const list = ['x-a', '1'];
  expect(textWith(list)).toBe('GET / HTTP/1.1\r\nhost: h\r\nx-a: 1\r\n\r\n');
  list[1] = '2';
  expect(textWith(list)).toBe('GET / HTTP/1.1\r\nhost: h\r\nx-a: 2\r\n\r\n');
  const frozen = Object.freeze(['x-a', '1']) as string[];
  expect([textWith(frozen), textWith(frozen)]).toEqual(Array(2).fill('GET / HTTP/1.1\r\nhost: h\r\nx-a: 1\r\n\r\n'));
});

test('a frozen list with a field that is not plain is refused each time', () => {
  const frozen = Object.freeze(['x-a', '1\r\nx-b: 2']) as string[];
  expect([textWith(frozen), textWith(frozen)]).toEqual([undefined, undefined]);
});
