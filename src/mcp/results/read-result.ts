import { GatewayError } from '../../lib/errors.ts';
import type { JsonObject, Reply } from '../../lib/json-rpc.ts';
import type { KeptResult } from '../../store/kept-results.ts';
import type { BuiltIns } from '../built-in.ts';
import type { ClientRequest } from '../client-side.ts';
import { numberIn, readArguments, textIn } from '../search/arguments.ts';
import { textReply } from '../text-reply.ts';
import { readPart } from './read-part.ts';
import { KEPT_MINUTES, RESULT_URI, type Results } from './results.ts';

/** Reads parts of what was kept. */
export const READ_RESULT = 'readResult';

const USUAL_LENGTH = 8_000;
const MAX_LENGTH = 50_000;

/** Its definition, as JSON text. */
export const READ_RESULT_TOOL = JSON.stringify({
  name: READ_RESULT,
  description: 'Reads parts of a result that was too large to show whole.',
  inputSchema: {
    type: 'object',
    properties: {
      id: { type: 'string', description: 'As it stands in the place of the result.' },
      grep: { type: 'string', description: 'Only the places with this text, upper or lower case.' },
      jsonPath: { type: 'string', description: 'Of JSON, only what is there: $.items[0:10].name' },
      offset: { type: 'integer', minimum: 0, description: 'Where to begin, in characters.' },
      length: { type: 'integer', minimum: 1, description: `Characters, ${USUAL_LENGTH} unless told.` },
    },
    required: ['id'],
    additionalProperties: false,
  },
  annotations: { readOnlyHint: true },
});

/** The tool that reads kept results. Whoever got one may call it, whether or not it is listed. */
export function createReadResult(results: Pick<Results, 'find'>): BuiltIns {
  return {
    label: 'results',
    names: new Set([READ_RESULT]),
    folds: () => false,
    definitions: () => [],
    async run(_, { request }) {
      const input = readArguments(request);
      const id = (textIn(input, 'id') ?? '').replace(RESULT_URI, '');
      const part = {
        offset: numberIn(input, 'offset', 0, Number.MAX_SAFE_INTEGER) ?? 0,
        length: numberIn(input, 'length', 1, MAX_LENGTH) ?? USUAL_LENGTH,
        grep: textIn(input, 'grep') || undefined,
        jsonPath: textIn(input, 'jsonPath') || undefined,
      };
      return textReply(readPart(await get(results, id, request), part), request.side.era);
    },
  };
}

/** A kept result as the resource that its link names. */
export async function readKept(results: Pick<Results, 'find'>, uri: string, request: ClientRequest): Promise<Reply> {
  const { text, whole, expires_at } = await get(results, uri.slice(RESULT_URI.length), request);
  const contents: JsonObject[] = [{ uri, mimeType: 'text/plain', text }];
  if (whole !== undefined) contents.push({ uri: `${uri}#whole`, mimeType: 'application/json', text: whole });
  const isModern = request.side.era === 'modern';
  const head = { resultType: 'complete', ttlMs: Math.max(0, expires_at - Date.now()), cacheScope: 'private' };
  const bytes = Buffer.from(JSON.stringify({ ...(isModern && head), contents }));
  return { kind: 'result', bytes, isError: false, hasResultType: isModern };
}

async function get(results: Pick<Results, 'find'>, id: string, { caller, side }: ClientRequest): Promise<KeptResult> {
  const found = await results.find(id, caller.principal);
  if (found !== undefined) return found;
  throw new GatewayError(
    side.era === 'legacy' ? 'resource_not_found_legacy' : 'resource_not_found',
    `there is no result ${JSON.stringify(id.slice(0, 100))} for you; results are kept for ${KEPT_MINUTES} minutes, so call the tool again`,
  );
}
