import { GatewayError } from '../../lib/errors.ts';
import type { JsonObject } from '../../lib/json-rpc.ts';
import type { Logger } from '../../lib/logger.ts';
import type { CallerFormat } from '../../llm/formats/format.ts';
import type { ListModels } from '../../llm/list-models.ts';
import { nameOf, type ListedModel } from '../../llm/offered-models.ts';
import type { Identify } from '../identify.ts';
import type { RawHandler } from '../listen.ts';
import { sendError } from '../send-error.ts';
import { renderInferenceError } from './render-inference-error.ts';

interface Deps {
  readonly listModels: ListModels;
  readonly identify: Pick<Identify, 'identifyInference'>;
  readonly logger: Logger;
}

/** A place where models are listed. */
interface Place {
  /** Its models are named without the provider there. */
  readonly provider?: string;
  readonly format: CallerFormat;
}

const PLACES: Readonly<Record<string, Place>> = {
  '/v1/models': { format: 'chat' },
  '/openai/v1/models': { format: 'chat', provider: 'openai' },
  '/openai/models': { format: 'chat', provider: 'openai' },
  '/anthropic/v1/models': { format: 'messages', provider: 'anthropic' },
};

const PAGE = 1_000;

/** `GET /v1/models` and its kin: the models that the caller may use. Query: provider, page_size, page_token. */
export function createModelsHandlers({ listModels, identify, logger }: Deps): Record<string, RawHandler> {
  const create =
    ({ provider: home, format }: Place): RawHandler =>
    async (request, response) => {
      try {
        if (request.method !== 'GET')
          throw new GatewayError('method_not_allowed', 'this route takes GET', { details: { allow: 'GET' } });
        const caller = identify.identifyInference(request.headers);
        const query = new URL(request.url ?? '', 'http://localhost').searchParams;
        const models = await listModels(caller, query.get('provider') ?? undefined);
        const { from, size } = pageOf(query);
        const page = models
          .slice(from, from + size)
          .map((model) => (format === 'messages' ? anthropicView(model, home) : openaiView(model, home)));
        const next = from + size < models.length ? String(from + size) : undefined;
        const body =
          format === 'messages'
            ? anthropicList(page, next)
            : { object: 'list', data: page, extra_fields: {}, ...(next !== undefined && { next_page_token: next }) };
        response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      } catch (error) {
        sendError(response, () => renderInferenceError(error, format, logger));
      }
    };
  return Object.fromEntries(Object.entries(PLACES).map(([path, place]) => [path, create(place)]));
}

function pageOf(query: URLSearchParams): { readonly from: number; readonly size: number } {
  const read = (name: string, otherwise: number, least: number): number => {
    const text = query.get(name);
    if (text === null || text === '') return otherwise;
    const value = Number(text);
    if (Number.isInteger(value) && value >= least && value <= 1_000_000) return value;
    throw new GatewayError('invalid_request', `${name} must be a whole number from ${least}`, {
      details: { field: name },
    });
  };
  return { from: read('page_token', 0, 0), size: read('page_size', PAGE, 1) };
}

function idOf(model: ListedModel, home: string | undefined): string {
  return model.provider === home ? model.model : nameOf(model);
}

function openaiView(model: ListedModel, home: string | undefined): JsonObject {
  return {
    id: idOf(model, home),
    object: 'model',
    name: model.model,
    created: model.created ?? 0,
    owned_by: model.owner,
  };
}

function anthropicView(model: ListedModel, home: string | undefined): JsonObject {
  const created_at = new Date((model.created ?? 0) * 1000).toISOString();
  return { type: 'model', id: idOf(model, home), display_name: model.model, created_at };
}

function anthropicList(data: readonly JsonObject[], next: string | undefined): JsonObject {
  return {
    data: [...data],
    has_more: next !== undefined,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
  };
}
