import { expect, test } from 'vitest';
import { Secret } from '../../lib/secret.ts';
import { childEnvironment } from './child.ts';

test('a variable that does not exist is an error with its name', () => {
  expect(() => childEnvironment([{ name: 'NOT_THERE', value: undefined }], {})).toThrow(/NOT_THERE/);
  expect(() => childEnvironment([{ name: 'KEY', value: Secret.parse('env.NOT_THERE') }])).toThrow(/NOT_THERE/);
});

test('a variable that is empty is taken over empty', () => {
  expect(childEnvironment([{ name: 'EMPTY', value: undefined }], { EMPTY: '' })).toEqual({ EMPTY: '' });
});
