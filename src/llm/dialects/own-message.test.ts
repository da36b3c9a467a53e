import { expect, test } from 'vitest';
import { ownMessage, restoreOwn } from './own-message.ts';

const item = ownMessage('it ran: äöü "quoted"');
const said = { role: 'assistant', content: 'it ran: äöü "quoted"' };

function restore(input: unknown): unknown {
  const request = { model: 'openai/gpt-x', input };
  const bytes = restoreOwn(Buffer.from(JSON.stringify(request)), request as never);
  return (JSON.parse(bytes.toString()) as { input: unknown }).input;
}

test('a client may send back the id of what the gateway said, or all of it', () => {
  const question = { role: 'user', content: 'hi' };
  expect(restore([question, { type: 'item_reference', id: item.id }, item])).toEqual([question, said, said]);
});

test('what others said stays as it is, byte for byte', () => {
  const text = '{ "input": [ {"type":"item_reference", "id":"msg_1"} ],"n":1.0 }';
  const bytes = Buffer.from(text);
  expect(restoreOwn(bytes, JSON.parse(text) as never)).toBe(bytes);
  expect(restore([{ role: 'user', content: 'msg_gateway_abc' }, 'odd', null])).toEqual([
    { role: 'user', content: 'msg_gateway_abc' },
    'odd',
    null,
  ]);
});
