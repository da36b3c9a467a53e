import { expect, test } from 'vitest';
import { callsOf, turnsOf } from './turns.ts';

test('messages of the chat format are turns, and a tool call has its arguments as JSON', () => {
  const call = { id: 'c1', type: 'function', function: { name: 'tracker-add', arguments: '{"a":1}' } };
  const turns = turnsOf(
    [
      { role: 'system', content: 'be short' },
      { role: 'user', content: [{ type: 'text', text: 'add' }, { type: 'image_url' }] },
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c1', content: '1' },
    ],
    'user',
  );
  expect(turns).toEqual([
    { role: 'system', text: 'be short', calls: [] },
    { role: 'user', text: 'add\n[image_url]', calls: [] },
    { role: 'assistant', text: '', calls: [{ id: 'c1', name: 'tracker-add', args: { a: 1 } }] },
    { role: 'tool', text: '1', calls: [] },
  ]);
  expect(callsOf({ role: 'assistant', content: 'so', tool_calls: [call] })).toHaveLength(1);
});

test('the blocks of the messages format are one answer', () => {
  const answer = [
    { type: 'text', text: 'I look' },
    { type: 'tool_use', id: 't', name: 'files-read', input: { path: '/' } },
  ];
  expect(turnsOf(answer, 'assistant')).toEqual([
    { role: 'assistant', text: 'I look', calls: [{ id: 't', name: 'files-read', args: { path: '/' } }] },
  ]);
  const asked = { instructions: 'be kind', messages: [{ role: 'user', content: 'hi' }] };
  expect(turnsOf(asked, 'user')?.map(({ role, text }) => `${role}: ${text}`)).toEqual(['system: be kind', 'user: hi']);
});

test('items of the responses format are turns, and arguments that are no JSON stay as they are', () => {
  const items = [
    { type: 'message', role: 'assistant', content: [{ type: 'output_text', text: 'well' }] },
    { type: 'function_call', call_id: 'f', name: 'x-y', arguments: '{"a":' },
    { type: 'function_call_output', call_id: 'f', output: 'done' },
  ];
  expect(turnsOf(items, 'assistant')).toEqual([
    { role: 'assistant', text: 'well', calls: [] },
    { role: 'assistant', text: '', calls: [{ id: 'f', name: 'x-y', args: '{"a":' }] },
    { role: 'tool', text: 'done', calls: [] },
  ]);
});

test('what is no conversation is none: a cut text, numbers, nothing', () => {
  for (const value of ['[{"role":"us', undefined, null, 3, [], [1, 2]]) expect(turnsOf(value, 'user')).toBeUndefined();
});
