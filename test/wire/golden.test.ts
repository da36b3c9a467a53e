import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { GatewayError } from '../../src/lib/errors.ts';
import type { JsonObject } from '../../src/lib/json-rpc.ts';
import type { CallerCodec, Facts, ProviderCodec } from '../../src/llm/formats/format.ts';
import { messagesCallerCodec } from '../../src/llm/formats/messages/caller-codec.ts';
import { messagesProviderCodec } from '../../src/llm/formats/messages/provider-codec.ts';
import { responsesCallerCodec } from '../../src/llm/formats/responses/caller-codec.ts';
import { chunksOf, eventsOf, translate, writeChunks, writeEvents } from './streams.ts';

/**
 * Each case is a folder `<format>/<case>` with what goes in and what comes out: `request.in.json` and `request.out.json` (or
 * `request.error.json`), `response`, `error` and `stream` alike. `UPDATE_WIRE=1` writes what comes out; read it before you commit it.
 */
const PROVIDERS: Record<string, ProviderCodec> = { 'messages-provider': messagesProviderCodec };
const CALLERS: Record<string, CallerCodec> = {
  'messages-caller': messagesCallerCodec,
  'responses-caller': responsesCallerCodec,
};

const FACTS: Facts = { id: 'id-of-the-gateway', created: 1_767_225_600, model: 'model-of-the-caller' };
const folder = import.meta.dirname;
const cases = [...Object.keys(PROVIDERS), ...Object.keys(CALLERS)].flatMap((format) =>
  readdirSync(join(folder, format)).map((name) => ({ format, name, path: join(folder, format, name) })),
);

describe.each(cases)('$format: $name', ({ format, path }) => {
  const provider = PROVIDERS[format];
  const caller = CALLERS[format];
  const has = (file: string) => existsSync(join(path, file));
  const text = (file: string) => readFileSync(join(path, file), 'utf8');
  const json = (file: string) => JSON.parse(text(file)) as JsonObject;
  const request = () => (has('request.in.json') ? json('request.in.json') : {});

  function expectFile(file: string, actual: string): void {
    if (process.env.UPDATE_WIRE === '1') writeFileSync(join(path, file), actual);
    if (file.endsWith('.json')) expect(JSON.parse(actual)).toEqual(json(file));
    else expect(actual).toEqual(text(file));
  }
  const expectJson = (file: string, actual: unknown) => expectFile(file, `${JSON.stringify(actual, null, 2)}\n`);

  test('has what goes in', () => {
    expect(readdirSync(path).filter((file) => file.includes('.in.'))).not.toEqual([]);
  });

  if (has('request.in.json'))
    test('request', () => {
      const before = JSON.stringify(request());
      const given = request();
      const encode = provider?.encodeRequest ?? caller?.decodeRequest;
      if (has('request.error.json'))
        expectJson(
          'request.error.json',
          refusalOf(() => encode?.(given)),
        );
      else expectJson('request.out.json', encode?.(given));
      expect(JSON.stringify(given)).toEqual(before); // a fallback may need it again
    });

  if (has('response.in.json'))
    test('response', () => {
      const given = json('response.in.json');
      const answer = provider?.decodeResponse(given, FACTS) ?? caller?.encodeResponse(given, request(), FACTS);
      expectJson('response.out.json', answer);
    });

  if (has('error.in.json'))
    test('error', () => {
      expectJson('error.out.json', provider?.decodeError(json('error.in.json')));
    });

  if (has('stream.in.sse'))
    test('stream', () => {
      const given = text('stream.in.sse');
      if (provider !== undefined)
        expectFile('stream.out.sse', writeChunks(translate(provider.decodeStream(FACTS), eventsOf(given))));
      else if (caller !== undefined)
        expectFile('stream.out.sse', writeEvents(translate(caller.encodeStream(request(), FACTS), chunksOf(given))));
    });
});

function refusalOf(act: () => unknown): unknown {
  try {
    act();
  } catch (error) {
    if (error instanceof GatewayError) return { code: error.code, message: error.message, details: error.details };
    throw error;
  }
  throw new Error('it was not refused');
}
