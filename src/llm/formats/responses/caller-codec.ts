import type { CallerCodec } from '../format.ts';
import { decodeRequest } from './decode-request.ts';
import { encodeAnswer } from './encode-answer.ts';
import { encodeStream } from './encode-stream.ts';

/** OpenAI's Responses API for callers, in front of a provider that does not speak it. */
export const responsesCallerCodec: CallerCodec = {
  decodeRequest,
  encodeResponse: encodeAnswer,
  encodeStream,
};
