import { setTimeout as sleep } from 'node:timers/promises';
import {
  openSession,
  postModern,
  requestHeaders,
  type LegacySession,
  type McpEndpoint,
  type RpcAnswer,
} from '../kit/wire.ts';

/** Why calls are lost, in words for the table. `ran: 'no'` is a promise, which is checked at the server. */
export const REASONS = {
  upstream_unreachable: { ran: 'no', words: 'there was no connection to send it on; it may be repeated' },
  upstream_lost: {
    ran: 'maybe',
    words: 'was under way when the connection ended; the server may have run it, so it is not sent again',
  },
  upstream_timeout: { ran: 'maybe', words: 'no answer within the time limit; the server is told, and may have run it' },
  upstream_bad_reply: {
    ran: 'maybe',
    words: 'the server answered with something that is not MCP, and may have run it',
  },
  upstream_unauthorized: { ran: 'no', words: 'the server refused the credential of the gateway' },
  upstream_session_expired: { ran: 'no', words: 'the server forgot the session twice in a row' },
  client_left: { ran: 'maybe', words: 'its client left; the server may have run it' },
  gateway_killed: {
    ran: 'maybe',
    words:
      'was under way in the gateway process that was killed; the server may have run it, and only its client knows',
  },
  gateway_away: { ran: 'no', words: 'its client found no gateway at that address' },
} as const satisfies Record<string, { ran: 'no' | 'maybe'; words: string }>;

export type Reason = keyof typeof REASONS;

/** What became of all calls of one row. */
export interface Tally {
  sent: number;
  /** Time of the call that took longest, in ms. */
  longest: number;
  readonly lost: Map<Reason, string[]>;
  /** What is wrong and has no reason. */
  readonly unexplained: string[];
}

/** A tool that answers with the `text` it is given. */
export interface Target {
  readonly endpoint: () => McpEndpoint;
  readonly tool: string;
}

/** How a caller comes: by itself, in a session, or in a session of somebody who can be asked. */
type Manner = 'modern' | 'session' | 'asked';
const MANNERS: readonly Manner[] = ['modern', 'session', 'asked'];
const CAPABILITIES = { modern: {}, session: {}, asked: { elicitation: {} } };

export function createTally(): Tally {
  return { sent: 0, longest: 0, lost: new Map(), unexplained: [] };
}

export function countLost({ lost }: Tally): number {
  return [...lost.values()].reduce((sum, ids) => sum + ids.length, 0);
}

/** Calls a tool from so many callers at once, each in its turn, until it is stopped; every call has an argument of its own. */
export function startCalls(tally: Tally, target: Target, { callers, pauseMs }: { callers: number; pauseMs: number }) {
  const over = new AbortController();
  const lanes = Array.from({ length: callers }, async (_, lane) => {
    const caller = createCaller(target, MANNERS[lane % MANNERS.length] ?? 'modern');
    while (!over.signal.aborted) {
      await callOnce(tally, caller.send);
      await sleep(pauseMs);
    }
    await caller.leave();
  });
  return {
    async stop(): Promise<void> {
      over.abort();
      await Promise.all(lanes);
    },
  };
}

/** One call that must succeed. False when it did not. */
export async function tryCall(target: Target): Promise<boolean> {
  const tally = createTally();
  await callOnce(tally, createCaller(target, 'modern').send);
  return countLost(tally) + tally.unexplained.length === 0;
}

type Send = (text: string) => Promise<RpcAnswer>;

interface Caller {
  readonly send: Send;
  /** Ends its session, if it has one. */
  leave(): Promise<void>;
}

function createCaller({ endpoint, tool }: Target, manner: Manner): Caller {
  let session: LegacySession | undefined;
  return {
    async send(text) {
      const params = { name: tool, arguments: { text } };
      if (manner === 'modern') return postModern(endpoint(), 'tools/call', params);
      session ??= await openSession(endpoint(), {}, CAPABILITIES[manner]);
      return await session.request('tools/call', params);
    },
    async leave() {
      if (session === undefined) return;
      const { address, apiKey } = endpoint();
      const headers = requestHeaders({ address, apiKey }, session.headers);
      await fetch(`${address}/mcp`, { method: 'DELETE', headers });
    },
  };
}

let last = 0;

async function callOnce(tally: Tally, send: Send): Promise<void> {
  const text = `call-${process.pid}-${(last += 1)}`;
  const began = performance.now();
  tally.sent += 1;
  try {
    take(tally, text, await send(text));
  } catch (error) {
    lose(tally, text, reasonOf(error), String(error));
  }
  tally.longest = Math.max(tally.longest, performance.now() - began);
}

function take(tally: Tally, text: string, { reply, status, text: raw }: RpcAnswer): void {
  const [part] = (reply.result?.['content'] ?? []) as { text?: string }[];
  if (part?.text?.startsWith(text) === true) return;
  const code = (reply.error?.data as { code?: string } | undefined)?.code;
  lose(tally, text, code, `${status} ${raw.slice(0, 300)}`);
}

/** How `fetch` fails: before anything was sent, or after. */
function reasonOf(error: unknown): Reason {
  const { cause } = error as { cause?: { code?: string } };
  return cause?.code === 'ECONNREFUSED' ? 'gateway_away' : 'gateway_killed';
}

function lose({ lost, unexplained }: Tally, id: string, code: string | undefined, what: string): void {
  if (code === undefined || !Object.hasOwn(REASONS, code)) return void unexplained.push(`${id}: ${what}`);
  const reason = code as Reason;
  lost.set(reason, [...(lost.get(reason) ?? []), id]);
}
