import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { JsonObject } from '../../src/lib/json-rpc.ts';
import { createSseParser } from '../../src/lib/sse.ts';
import { converseCodec } from '../../src/llm/formats/converse/codec.ts';
import { createEventStreamParser } from '../../src/llm/formats/event-stream.ts';
import type { Facts, ProviderCodec, StreamEvent } from '../../src/llm/formats/format.ts';
import { geminiCodec } from '../../src/llm/formats/gemini/codec.ts';
import { writeBedrockEvent } from '../kit/event-stream.ts';

const CODECS: Readonly<Record<string, ProviderCodec>> = { gemini: geminiCodec, converse: converseCodec };

for (const [format, codec] of Object.entries(CODECS)) {
  const folder = join(import.meta.dirname, format);
  describe.each(readdirSync(folder))(`${format}: %s`, (name) => {
    const has = (file: string): boolean => existsSync(join(folder, name, file));
    const text = (file: string): string => readFileSync(join(folder, name, file), 'utf8');
    const json = (file: string): JsonObject => JSON.parse(text(file)) as JsonObject;
    const facts: Facts = { id: 'chatcmpl-golden', created: 1_795_000_000, model: modelOf(folder, name) };

    if (has('request.in.json'))
      test('a request becomes what the provider takes', () => {
        expect(asSent(codec.encodeRequest(json('request.in.json')))).toEqual(json('request.out.json'));
      });

    if (has('response.in.json'))
      test('an answer becomes a chat completion', () => {
        expect(asSent(codec.decodeResponse(json('response.in.json'), facts))).toEqual(json('response.out.json'));
      });

    if (has('stream.in.sse'))
      test('a stream becomes chunks of a chat completion', () => {
        const events = readEvents(text('stream.in.sse'));
        const stream = codec.decodeStream(facts);
        const chunks = [
          ...(format === 'converse' ? overTheWire(events) : events).flatMap(stream.push),
          ...stream.end(),
        ];
        expect(chunks.map(asSent)).toEqual(readEvents(text('stream.out.sse')).map(({ data }) => data));
      });
  });
}

test('the golden files are really there', () => {
  const found = Object.keys(CODECS).map((format) => readdirSync(join(import.meta.dirname, format)).length);
  expect(Math.min(...found)).toBeGreaterThanOrEqual(5);
});

/** As it leaves: what is undefined is not sent. */
function asSent(value: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify(value)) as JsonObject;
}

function modelOf(folder: string, name: string): string {
  const file = join(folder, name, 'request.in.json');
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as { model: string }).model : 'some-model';
}

function readEvents(text: string): StreamEvent[] {
  const events: StreamEvent[] = [];
  const parser = createSseParser(({ event, data }) =>
    events.push({ event, data: JSON.parse(data.toString()) as JsonObject }),
  );
  parser.push(Buffer.from(text));
  return events;
}

/** The same events after they were binary. */
function overTheWire(events: StreamEvent[]): StreamEvent[] {
  const received: StreamEvent[] = [];
  const parser = createEventStreamParser((event) => received.push(event));
  parser.push(Buffer.concat(events.map(({ event = '', data }) => writeBedrockEvent(event, data))));
  return received;
}
