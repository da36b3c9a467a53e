import type { Reply } from '../lib/json-rpc.ts';
import type { Era } from './revisions.ts';

/** The result of a tool of the gateway itself: a text. */
export function textReply(text: string, era: Era): Reply {
  const hasResultType = era === 'modern';
  const result = { ...(hasResultType && { resultType: 'complete' }), content: [{ type: 'text', text }] };
  return { kind: 'result', bytes: Buffer.from(JSON.stringify(result)), isError: false, hasResultType };
}
