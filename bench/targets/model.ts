/**
 * The stand-in for a provider of models, behind every target of inference: OpenAI's chat completions, an answer of a fixed size in the
 * chunks that OpenAI sends. They leave as fast as they are read; for the user "paced", one every 5 ms.
 */
import type { ServerResponse } from 'node:http';
import { readBody, serve } from './serve.ts';

/** So many chunks of content; the first of all, the end, the usage and `[DONE]` come on top. */
const CHUNKS = 17;
const PACE_MS = 5;
const NUMBER = 'NUMBER';

const words =
  'Every gateway takes a little of each call, and what it takes is what this bench wants to know about it.'.split(' ');
const delta = (content: string) => ({ role: 'assistant', content, refusal: null });
const usage = {
  prompt_tokens: 57,
  completion_tokens: CHUNKS,
  total_tokens: 57 + CHUNKS,
  prompt_tokens_details: { cached_tokens: 0, audio_tokens: 0 },
  completion_tokens_details: { reasoning_tokens: 0, audio_tokens: 0, accepted_prediction_tokens: 0 },
};
const base = {
  id: 'chatcmpl-BenchBenchBenchBenchBenchBench',
  object: 'chat.completion.chunk',
  created: 1_760_000_000,
  model: 'gpt-4o-mini-2024-07-18',
  service_tier: 'default',
  system_fingerprint: 'fp_0123456789',
};
const event = (choices: object[], more: object = {}) => `data: ${JSON.stringify({ ...base, choices, ...more })}\n\n`;
const chunk = (delta: object, finish_reason: string | null = null) =>
  event([{ index: 0, delta, logprobs: null, finish_reason }], { obfuscation: 'bench0bench' });

/** What the caller wrote stands in one place, so that no answer can be taken for another one. */
const said = Array.from({ length: CHUNKS }, (_, index) =>
  index === 1 ? ` ${NUMBER}` : ` ${words[index % words.length]}`,
);
const first = chunk(delta(''));
const middle = said.map((content) => chunk({ content }));
const end = [chunk({}, 'stop')];
const whole = JSON.stringify({
  ...base,
  object: 'chat.completion',
  choices: [{ index: 0, message: { ...delta(said.join('')), annotations: [] }, logprobs: null, finish_reason: 'stop' }],
  usage,
});

serve((request, response) => {
  readBody(request, (body) => {
    const text = body.toString('latin1');
    const number = /call (\d{10})/.exec(text)?.[1] ?? '';
    if (!text.includes('"stream":true')) return sendWhole(response, whole.replace(NUMBER, number));
    const counted = text.includes('"include_usage":true') ? [event([], { usage })] : [];
    const events = [first, ...middle, ...end, ...counted, 'data: [DONE]\n\n'];
    const numbered = events.map((each, index) => (index === 2 ? each.replace(NUMBER, number) : each));
    response.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    if (text.includes('"user":"paced"')) sendPaced(response, numbered);
    else {
      for (const each of numbered) response.write(each);
      response.end();
    }
  });
});

function sendWhole(response: ServerResponse, text: string): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': text.length }).end(text);
}

function sendPaced(response: ServerResponse, events: string[]): void {
  let next = 0;
  const timer = setInterval(send, PACE_MS);
  response.once('close', () => clearInterval(timer));
  function send(): void {
    response.write(events[next] ?? '');
    next += 1;
    if (next < events.length) return;
    clearInterval(timer);
    response.end();
  }
  send();
}
