import { expect, test } from 'vitest';
import { plainChat } from './plain-chat.ts';

test('what OpenAI does not know is taken out wherever it stands, and nothing else', () => {
  const mark = { cache_control: { type: 'ephemeral' } };
  const image = { type: 'image_url', image_url: { url: 'https://example.com/a.png' } };
  const call = { id: 'c1', type: 'function', function: { name: 'f', arguments: '{}' } };
  const tool = { type: 'function', function: { name: 'f', parameters: { properties: { cache_control: {} } } } };
  const plain = {
    model: 'gpt-5',
    seed: 1,
    tools: [tool],
    messages: [
      { role: 'user', content: [{ type: 'text', text: 'x' }, image] },
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c1', content: 'y' },
    ],
  };
  const extended = {
    ...plain,
    top_k: 5,
    thinking: { type: 'adaptive' },
    tools: [{ ...tool, ...mark }],
    messages: [
      { role: 'user', content: [{ type: 'text', text: 'x', ...mark }, image] },
      {
        role: 'assistant',
        content: null,
        reasoning: 'r',
        reasoning_details: [{ type: 'reasoning.text', text: 'r' }],
        tool_calls: [{ ...call, extra_content: {} }],
      },
      { role: 'tool', tool_call_id: 'c1', content: 'y', is_error: true, ...mark },
    ],
  };
  expect(plainChat(extended)).toEqual(plain);
  expect(plainChat(plain)).toEqual(plain);
});
