import type { JsonObject, Reply } from '../../lib/json-rpc.ts';
import type { StoredApproval } from '../../store/approvals.ts';
import type { ClientRequest } from '../client-side.ts';
import { canBeAsked } from '../profile.ts';
import type { InputRequest } from '../relay/conversation.ts';

/** What a user says to a call of their own client. */
export type Answer = 'approved' | 'denied' | undefined;

/** Under which a modern client brings the answer. */
export const QUESTION = 'asbru/approval';
/** More than this nobody reads in a dialog, and to what is not shown nobody can say yes. */
const MAX_SHOWN = 8_000;
/** What is not seen, or turns text around, could make arguments look like others. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/** The form that asks a user; undefined where the client cannot show one, or the arguments are too long for it. */
export function questionFor(
  { side: { profile } }: ClientRequest,
  { tool, client_name, arguments: text = '' }: StoredApproval,
): InputRequest | undefined {
  const shown = show(text);
  if (shown.length > MAX_SHOWN) return undefined;
  const message = `Allow the tool "${show(tool)}" of the server "${show(client_name)}" to run once, with these arguments?\n\n${shown}`;
  const requestedSchema = { type: 'object', properties: {} };
  const question = { method: 'elicitation/create', params: { mode: 'form', message, requestedSchema } };
  return profile !== undefined && canBeAsked(profile, question) ? question : undefined;
}

/** 2026-07-28: the client asks its user, and sends the request again with the answer. */
export function asReply({ method, params }: InputRequest, requestState: string): Reply {
  const inputRequests = { [QUESTION]: { method, params } };
  const bytes = Buffer.from(JSON.stringify({ resultType: 'input_required', inputRequests, requestState }));
  return { kind: 'result', bytes, isError: false, hasResultType: true };
}

/** Reads what the user did with the form. Whoever closed it has said neither yes nor no. */
export function readAnswer({ action }: JsonObject): Answer {
  if (action === 'accept') return 'approved';
  return action === 'decline' ? 'denied' : undefined;
}

function show(text: string): string {
  return text.replaceAll(UNSEEN, (sign) => `\\u{${(sign.codePointAt(0) ?? 0).toString(16)}}`);
}
