import type { JsonObject } from '../../src/lib/json-rpc.ts';
import { createSseParser } from '../../src/lib/sse.ts';
import type { StreamEvent, StreamTranslator } from '../../src/llm/formats/format.ts';

/** The events of a body, which arrives in the given pieces. */
export function eventsOf(...pieces: readonly (string | Buffer)[]): StreamEvent[] {
  const events: StreamEvent[] = [];
  const parser = createSseParser(({ event, data }) => {
    const text = data.toString();
    if (text !== '[DONE]') events.push({ event, data: JSON.parse(text) as JsonObject });
  });
  for (const piece of pieces) parser.push(Buffer.from(piece));
  return events;
}

/** The chunks of a streamed chat completion. */
export function chunksOf(...pieces: readonly (string | Buffer)[]): JsonObject[] {
  return eventsOf(...pieces).map(({ data }) => data);
}

/** All that a translator makes of a stream. */
export function translate<From, To>(translator: StreamTranslator<From, To>, events: readonly From[]): To[] {
  return [...events.flatMap((event) => translator.push(event)), ...translator.end()];
}

export function writeChunks(chunks: readonly JsonObject[]): string {
  return chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`).join('');
}

export function writeEvents(events: readonly StreamEvent[]): string {
  return events
    .map(({ event, data }) => `${event === undefined ? '' : `event: ${event}\n`}data: ${JSON.stringify(data)}\n\n`)
    .join('');
}
