import { expect, test } from 'vitest';
import { unwrap } from './call-through.ts';

test('the arguments go on as they were written: numbers keep their digits, and the last of two counts', () => {
  expect(unwrap('{"name":"a-b","arguments":{"n":12345678901234567890.10, "m":1.0}}')).toEqual({
    name: 'a-b',
    argumentsJson: '{"n":12345678901234567890.10, "m":1.0}',
  });
  expect(unwrap('{"name":"x","name":"y"}')).toEqual({ name: 'y', argumentsJson: '{}' });
  expect(unwrap('{"name":"x","arguments":null}').argumentsJson).toBe('{}');
  expect(unwrap('{"name":"x","arguments":"{\\"a\\":\\n1}"}').argumentsJson).toBe('{"a": 1}');
});

test.each(['{}', '{"name":""}', '{"name":7}', '[]', '"x"'])('%s names no tool', (json) => {
  expect(() => unwrap(json)).toThrow('name: must be the name of a tool');
});

test.each(['[]', '7', '"x"', '"[]"'])('arguments %s are none', (json) => {
  expect(() => unwrap(`{"name":"x","arguments":${json}}`)).toThrow('arguments: must be an object');
});
