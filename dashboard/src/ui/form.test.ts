import { expect, test } from 'vitest';
import { ApiError } from '../api.ts';
import { changedIn, faultAt } from './form.ts';

test('only what differs from what is stored counts as a change', () => {
  const stored = { name: 'a', tools: ['x'], disabled: false };
  expect(changedIn(stored, { name: 'a', tools: ['x'], disabled: true })).toEqual({ disabled: true });
  expect(changedIn(stored, { tools: ['x', 'y'] })).toEqual({ tools: ['x', 'y'] });
});

test('a fault belongs to its field and to the field that it is inside, but to no other with the same beginning', () => {
  const faults = { 'headers["a b"]': 'no name', 'tools_to_execute[1]': 'twice', name: 'is taken' };
  expect(faultAt(faults, 'headers')).toBe('["a b"]: no name');
  expect(faultAt(faults, 'tools_to_execute')).toBe('[1]: twice');
  expect(faultAt(faults, 'name')).toBe('is taken');
  expect(faultAt(faults, 'tools')).toBeUndefined();
});

test('both ways in which the gateway names a field are understood', () => {
  const many = new ApiError(400, 'invalid_request', 'name: bad', { fields: [{ path: 'name', rule: 'bad' }] });
  expect(many.fields).toEqual({ name: 'bad' });
  const one = new ApiError(409, 'conflict', 'name: is taken', { field: 'name' });
  expect(one.fields).toEqual({ name: 'is taken' });
  expect(new ApiError(422, 'upstream_unreachable', 'no answer', { stage: 'connect' }).fields).toEqual({});
});
