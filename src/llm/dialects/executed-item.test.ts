import { expect, test } from 'vitest';
import { executedItem, restoreExecuted } from './executed-item.ts';

const call = { id: 'a', name: 'c1-echo', arguments: '{}' };
const item = executedItem([{ call, text: 'it ran: äöü "quoted"', isError: false }]);
const said = { role: 'assistant', content: (item.content as { text: string }[])[0]?.text };

function restore(input: unknown): unknown {
  const request = { model: 'openai/gpt-x', input };
  const bytes = restoreExecuted(Buffer.from(JSON.stringify(request)), request as never);
  return (JSON.parse(bytes.toString()) as { input: unknown }).input;
}

test('a client may send back the id of what the gateway said, or all of it', () => {
  const question = { role: 'user', content: 'hi' };
  expect(said.content).toContain('it ran');
  expect(restore([question, { type: 'item_reference', id: item.id }, item])).toEqual([question, said, said]);
});

test('what others said stays as it is, byte for byte', () => {
  const text = '{ "input": [ {"type":"item_reference", "id":"msg_1"} ],"n":1.0 }';
  const bytes = Buffer.from(text);
  expect(restoreExecuted(bytes, JSON.parse(text) as never)).toBe(bytes);
  expect(restore([{ role: 'user', content: 'msg_gateway_abc' }, 'odd', null])).toEqual([
    { role: 'user', content: 'msg_gateway_abc' },
    'odd',
    null,
  ]);
});
