import type { ProviderCodec } from '../format.ts';
import { decodeAnswer, decodeError } from './decode-answer.ts';
import { decodeStream } from './decode-stream.ts';
import { encodeRequest } from './encode-request.ts';

/** Chat completions for a provider that speaks Anthropic's Messages API. */
export const messagesProviderCodec: ProviderCodec = {
  encodeRequest,
  decodeResponse: decodeAnswer,
  decodeStream,
  decodeError,
};
