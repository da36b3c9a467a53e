import { editObject } from '../lib/json-edit.ts';
import { membersOf, textOfMember } from '../lib/json-members.ts';
import type { JsonObject } from '../lib/json-rpc.ts';
import { asWord, textOf } from '../lib/json-value.ts';
import type { ResponseEndStore } from '../store/response-ends.ts';
import type { RunEnd } from './agent-loop.ts';
import { outputsOf } from './dialects/responses.ts';
import { readModelRequest, type ModelRequest } from './request.ts';

/**
 * Continues responses that were the answers of whole runs. The provider keeps one for each round, so that `previous_response_id`
 * has to name the last one, where a stream had to begin with the id of the first; and it wants to hear what became of all calls,
 * also of those whose caller was told in words that they have run.
 */
export interface ResponseChain {
  /** The request as the provider has to get it. */
  resume(request: ModelRequest, principal: string): Promise<ModelRequest>;
  /** Remembers the end of a run, where it is not what its caller would name. */
  remember(end: RunEnd, principal: string): Promise<void>;
}

/** What a request has to say that continues a run. */
interface Continuation {
  /** The response that the provider knows. */
  readonly id: string;
  /** What the calls gave that have run since: items of its input. */
  readonly outputs: readonly JsonObject[];
}

const DAY_MS = 24 * 60 * 60_000;
/** As long as OpenAI keeps responses. */
const KEPT_MS = 30 * DAY_MS;
/** What tools said is kept for no longer than needed: calls that are left to a caller are run soon, or not at all. */
const OUTPUTS_KEPT_MS = DAY_MS;

interface Deps {
  readonly store: ResponseEndStore;
  readonly onError: (error: unknown) => void;
  readonly now?: () => number;
}

/** A database that cannot be used keeps nobody from asking: what cannot be found out is as the caller says. */
export function createResponseChain({ store, onError, now = Date.now }: Deps): ResponseChain {
  return {
    async resume(request, principal) {
      const { format, fields, bytes } = request;
      const former = format === 'responses' ? asWord(fields.previous_response_id) : undefined;
      if (former === undefined) return request;
      const text = await store.find(former, principal, now()).catch(onError);
      if (typeof text !== 'string') return request;
      return readModelRequest(format, continued(bytes, fields, JSON.parse(text) as Continuation)); // as it was written
    },

    async remember({ shown, last, ran }, principal) {
      const [responseId, id] = [asWord(shown), asWord(last.id)];
      const outputs = outputsOf(ran);
      if (responseId === undefined || id === undefined || last.store === false) return;
      if (responseId === id && outputs.length === 0) return;
      const content = JSON.stringify({ id, outputs } satisfies Continuation);
      const at = now();
      const expires_at = at + (outputs.length === 0 ? KEPT_MS : OUTPUTS_KEPT_MS);
      await store.save({ responseId, principal, content, expires_at }, at).catch(onError);
    },
  };
}

function continued(bytes: Buffer, { input }: JsonObject, { id, outputs }: Continuation): Buffer {
  const previous_response_id = JSON.stringify(id);
  if (outputs.length === 0) return editObject(bytes, { previous_response_id });
  const items = outputs.map((output) => JSON.stringify(output));
  if (Array.isArray(input)) {
    const member = membersOf(bytes).list.findLast(({ key }) => key === 'input');
    // As it is written, without its brackets.
    const rest = member === undefined ? '' : textOfMember(bytes, member).trim().slice(1, -1).trim();
    if (rest !== '') items.push(rest);
  } else if (textOf(input) !== '') items.push(JSON.stringify({ role: 'user', content: input }));
  return editObject(bytes, { previous_response_id, input: `[${items.join(',')}]` });
}
