import { createHash } from 'node:crypto';
import type { JsonObject } from '../../../lib/json-rpc.ts';

/** Begins the ids that are ours, for calls to which Gemini gave none. Gemini must not see them: it matches those by order. */
const OURS = 'gcall_';

/** An id for a call without one: the same for the same call at the same position of an answer, streamed or not. */
export function inventCallId(position: string, name: string, input: string): string {
  return (
    OURS +
    createHash('sha256')
      .update(JSON.stringify([position, name, input]))
      .digest('hex')
      .slice(0, 24)
  );
}

/** The `id` of a function call or its response, if it is one that Gemini should see. */
export function callId(id: string): JsonObject {
  return id === '' || id.startsWith(OURS) ? {} : { id };
}
