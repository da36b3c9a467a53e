import type { JsonObject, JsonValue } from '../lib/json-rpc.ts';
import { GatewayError, messageOf } from '../lib/errors.ts';
import { asObject } from '../lib/json-value.ts';
import { restoreOwn } from './dialects/own-message.ts';
import type { CallerFormat } from './formats/format.ts';

/** What a caller asks of a model. */
export interface ModelRequest {
  readonly format: CallerFormat;
  /** As it was sent, but for what the caller sent back of the gateway's own, and as it is handed on but for what must change. */
  readonly bytes: Buffer;
  readonly fields: JsonObject;
  /** As the caller wrote it, such as "openai/gpt-5". */
  readonly model: string;
  readonly isStream: boolean;
  /** Models to ask when the first cannot answer, in order. */
  readonly fallbacks: readonly string[];
}

/** The member that must not be empty. */
const CONTENT: Readonly<Record<CallerFormat, string>> = {
  chat: 'messages',
  responses: 'input',
  messages: 'messages',
  embeddings: 'input',
};

/** Reads a request. Throws `invalid_request` for one that no provider could answer. */
export function readModelRequest(format: CallerFormat, sent: Buffer): ModelRequest {
  const read = parse(sent);
  const bytes = format === 'responses' ? restoreOwn(sent, read) : sent;
  const fields = bytes === sent ? read : parse(bytes);
  const { model, stream = false, fallbacks } = fields;
  if (typeof model !== 'string' || model === '') throw invalid('model', 'is required: a text such as "openai/gpt-5"');
  if (typeof stream !== 'boolean' && stream !== null) throw invalid('stream', 'must be true or false');
  const content = CONTENT[format];
  // A stored prompt or an earlier response may stand in for the input of a response.
  const isStored = format === 'responses' && (fields.prompt !== undefined || fields.previous_response_id !== undefined);
  if (isEmpty(fields[content]) && !isStored) throw invalid(content, 'is required and must not be empty');
  return { format, bytes, fields, model, isStream: stream === true, fallbacks: readFallbacks(fallbacks) };
}

function parse(bytes: Buffer): JsonObject {
  let value: JsonValue;
  try {
    value = JSON.parse(bytes.toString()) as JsonValue;
  } catch (error) {
    throw new GatewayError('invalid_request', `the body is not JSON: ${messageOf(error)}`, { cause: error });
  }
  const object = asObject(value);
  if (object === undefined) throw new GatewayError('invalid_request', 'the body must be a JSON object');
  return object;
}

function isEmpty(value: JsonValue | undefined): boolean {
  return value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
}

function readFallbacks(value: JsonValue | undefined): string[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value) || value.some((model) => typeof model !== 'string' || model === ''))
    throw invalid('fallbacks', 'must be a list of models such as ["anthropic/claude-opus-4-8"]');
  return value as string[];
}

function invalid(field: string, rule: string): GatewayError {
  return new GatewayError('invalid_request', `${field} ${rule}`, { details: { field } });
}
