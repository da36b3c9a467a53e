import type { ClientSettings } from '../../contract/client-settings.ts';
import { CallController } from '../../lib/call-signal.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { wireOf } from '../../lib/sse-frames.ts';
import { timeUuid } from '../../lib/time-uuid.ts';
import type { StreamAnswer, WholeAnswer } from '../../llm/answer.ts';
import type { Complete } from '../../llm/complete.ts';
import type { CountTokens } from '../../llm/count-tokens.ts';
import { dialectOf } from '../../llm/dialects/dialects.ts';
import type { CallerFormat } from '../../llm/formats/format.ts';
import { readModelRequest } from '../../llm/request.ts';
import { drained, type HotHandler, type HotRequest, type HotResponse } from '../hot.ts';
import type { Identify } from '../identify.ts';
import { readNodeBody } from '../read-body.ts';
import { closeUnlessRead, sendError } from '../send-error.ts';
import { renderInferenceError } from './render-inference-error.ts';
import { createSignsOfLife, type LiveStream, type SignsOfLife } from './signs-of-life.ts';

interface Deps {
  readonly complete: Complete;
  readonly countTokens: CountTokens;
  readonly identify: Pick<Identify, 'identifyInference'>;
  readonly settings: () => Pick<ClientSettings, 'max_request_body_size_mb'>;
  readonly logger: Logger;
}

/** What is asked at a path. */
interface Place {
  readonly format: CallerFormat;
  /** The provider of models that are named without one. */
  readonly provider: string | undefined;
  /** Nothing is asked: the tokens of the request are counted. */
  readonly isCount?: boolean;
}

const chat = (provider?: string): Place => ({ format: 'chat', provider });
const responses = (provider?: string): Place => ({ format: 'responses', provider });
const messages = (provider?: string): Place => ({ format: 'messages', provider });
const embeddings = (provider?: string): Place => ({ format: 'embeddings', provider });

/** Where models are asked: the gateway's own addresses, and those that clients of one provider expect behind a base URL. */
const PLACES: Readonly<Record<string, Place>> = {
  '/v1/chat/completions': chat(),
  '/v1/responses': responses(),
  '/v1/embeddings': embeddings(),
  '/v1/messages': messages(),
  '/v1/messages/count_tokens': { ...messages(), isCount: true },
  '/openai/v1/chat/completions': chat('openai'),
  '/openai/v1/responses': responses('openai'),
  '/openai/v1/embeddings': embeddings('openai'),
  '/openai/chat/completions': chat('openai'),
  '/openai/responses': responses('openai'),
  '/openai/embeddings': embeddings('openai'),
  '/anthropic/v1/messages': messages('anthropic'),
  '/anthropic/v1/messages/count_tokens': { ...messages('anthropic'), isCount: true },
};

/** The handlers of all addresses at which models are asked, by path. */
export function createInferenceHandlers(deps: Deps): Record<string, HotHandler> {
  const all = { ...deps, signsOfLife: createSignsOfLife() };
  return Object.fromEntries(Object.entries(PLACES).map(([path, place]) => [path, createHandler(place, all)]));
}

function createHandler({ format, provider, isCount }: Place, deps: Deps & Streaming): HotHandler {
  const { complete, countTokens, identify, settings, logger } = deps;
  return async (request, response) => {
    const gone = new CallController();
    response.once('close', () => {
      if (!response.writableFinished) gone.abort(new GatewayError('call_cancelled', 'the caller went away'));
    });
    response.setHeader('x-request-id', requestIdOf(request));
    try {
      if (request.method !== 'POST')
        throw new GatewayError('method_not_allowed', 'this route takes POST', { details: { allow: 'POST' } });
      const { headers } = request;
      const caller = identify.identifyInference(headers);
      const limit = settings().max_request_body_size_mb * 1024 * 1024;
      const asked = readModelRequest(format, await readNodeBody(request, limit));
      const inference = { request: asked, caller, headers, signal: gone, provider };
      if (isCount === true) return sendWhole(await countTokens(inference), response);
      const answer = await complete(inference);
      await (answer.kind === 'whole' ? sendWhole(answer, response) : sendStream(answer, response, format, deps));
    } catch (error) {
      sendError(response, () => renderInferenceError(error, format, logger), closeUnlessRead(request));
    }
  };
}

function requestIdOf({ headers }: HotRequest): string {
  const sent = headers['x-request-id'];
  return typeof sent === 'string' && /^[\x21-\x7e]{1,200}$/.test(sent) ? sent : timeUuid();
}

function sendWhole({ bytes, headers }: Pick<WholeAnswer, 'bytes' | 'headers'>, response: HotResponse): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': bytes.length, ...headers });
  response.end(bytes);
}

interface Streaming {
  readonly logger: Logger;
  readonly signsOfLife: SignsOfLife;
}

/** What goes wrong after the head is told in the stream, in the way of its format. */
async function sendStream(
  { read, headers }: StreamAnswer,
  response: HotResponse,
  format: CallerFormat,
  { logger, signsOfLife }: Streaming,
): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', ...headers });
  const dialect = dialectOf(format);
  const stream: LiveStream = { response, events: 0, dialect };
  const number = signsOfLife.begin(stream);
  try {
    await read((batch) => {
      if (response.destroyed) throw new GatewayError('call_cancelled', 'the caller went away');
      if (batch.length === 0) return undefined;
      stream.events += batch.length;
      return response.write(wireOf(batch), 'latin1') ? undefined : drained(response);
    });
  } catch (error) {
    if (response.destroyed) return;
    const { body } = renderInferenceError(error, format, logger);
    const frame = dialect?.errorFrame(body, stream.events);
    if (frame !== undefined) response.write(frame.wire, 'latin1');
  } finally {
    signsOfLife.end(number);
  }
  response.end();
}
