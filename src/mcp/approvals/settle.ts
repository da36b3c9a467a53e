import { asAbortSignal } from '../../lib/call-signal.ts';
import type { Reply } from '../../lib/json-rpc.ts';
import type { ApprovalStore, StoredApproval } from '../../store/approvals.ts';
import type { McpClient } from '../../store/mcp-clients.ts';
import type { ClientRequest } from '../client-side.ts';
import type { Answer, AskUser } from './ask-user.ts';
import { mayApproveOwn } from './decisions.ts';
import type { StayOnLine } from './stay-on-line.ts';

/** Calls of one run of code which wait. */
export interface RunWaits {
  /** Their approvals. */
  readonly ids: readonly string[];
  /** The run, to which a client of the modern era has to come back. */
  readonly run: string;
  /** Those that the user of this request was asked for; more are added. */
  readonly asked: Set<string>;
  /** How long the request stays on the line, by `performance.now()`. */
  readonly until: number;
}

/** What becomes of a run that waits. */
export type Settled =
  /** The client asks its user, and comes again. */
  | { readonly kind: 'question'; readonly reply: Reply }
  /** Some calls wait no more: the run can go on. */
  | { readonly kind: 'decided' }
  /** All of them wait for somebody else. */
  | { readonly kind: 'waiting' };

/** Lets whoever can be reached now decide about the calls of a run. Throws when the caller gives up. */
export type Settle = (request: ClientRequest, waits: RunWaits) => Promise<Settled>;

/** Of one request: common clients of the modern era give up after ten. */
const MAX_QUESTIONS = 9;

interface SettleDeps {
  readonly store: Pick<ApprovalStore, 'find'>;
  readonly clientOf: (client_id: string) => McpClient | undefined;
  readonly asking: Pick<AskUser, 'ask'>;
  readonly stayOnLine: StayOnLine;
  decideAsCaller(approval: StoredApproval, answer: Answer, request: ClientRequest): Promise<void>;
}

export function createSettle({ store, clientOf, asking, stayOnLine, decideAsCaller }: SettleDeps): Settle {
  async function findPending(ids: readonly string[]): Promise<StoredApproval[]> {
    const found = await Promise.all(ids.map((id) => store.find(id, Date.now())));
    return found.filter((each) => each?.status === 'pending') as StoredApproval[];
  }

  /** Asks the caller's own user about each; a modern client takes one question at a time. */
  async function ask(request: ClientRequest, pending: readonly StoredApproval[], waits: RunWaits): Promise<Settled> {
    let kind: 'waiting' | 'decided' = 'waiting';
    for (const approval of pending) {
      if (waits.asked.has(approval.id) || waits.asked.size >= MAX_QUESTIONS) continue;
      if (!mayApproveOwn(clientOf(approval.client_id))) continue;
      const asked = await asking.ask(request, approval, { name: waits.run, asked: [...waits.asked, approval.id] });
      if (asked === undefined) continue;
      waits.asked.add(approval.id);
      if ('reply' in asked) return { kind: 'question', reply: asked.reply };
      await decideAsCaller(approval, asked.answer, request);
      if (asked.answer !== undefined) kind = 'decided';
    }
    return { kind };
  }

  /** Until one of them is decided, or all are over. */
  async function wait({ signal }: ClientRequest, pending: readonly StoredApproval[], until: number): Promise<void> {
    const done = new AbortController();
    const either = AbortSignal.any([asAbortSignal(signal), done.signal]);
    try {
      await Promise.race(pending.map((approval) => stayOnLine(approval, until, either)));
    } finally {
      done.abort();
    }
  }

  return async (request, waits) => {
    const { ids, until } = waits;
    const pending = await findPending(ids);
    if (pending.length < ids.length) return { kind: 'decided' };
    const settled = await ask(request, pending, waits);
    if (settled.kind !== 'waiting') return settled;
    await wait(request, pending, until);
    return { kind: (await findPending(ids)).length < ids.length ? 'decided' : 'waiting' };
  };
}
