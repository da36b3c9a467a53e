import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { GatewayAccess } from './gateway.ts';
import { openSession, postMcp, postModern, type LegacySession, type RpcAnswer } from './wire.ts';

/** The ways in which a load calls. */
export const WAYS = ['modern', 'legacy', 'legacy that can be asked', 'rest'] as const;
export type Way = (typeof WAYS)[number];

/** What one call came to. */
export interface LoadOutcome {
  readonly way: Way;
  /** What it asked echo to say: no two calls say the same, of whatever load. */
  readonly text: string;
  /** "ok", or what was answered instead. */
  readonly code: string;
  /** Milliseconds. */
  readonly took: number;
}

export interface SteadyLoad {
  readonly outcomes: readonly LoadOutcome[];
  /** Ends it, and gives all outcomes when the last call is answered. */
  stop(): Promise<readonly LoadOutcome[]>;
}

type Call = (text: string) => Promise<string>;

/** Calls `c1-echo` so many times a second, in all ways by turns, whatever becomes of the calls. Nothing is sent twice. */
export async function startSteadyLoad(gateway: GatewayAccess, perSecond: number): Promise<SteadyLoad> {
  const plain = await openSession(gateway);
  const askable = await openSession(gateway, {}, { elicitation: {}, roots: { listChanged: true } });
  const calls: Readonly<Record<Way, Call>> = {
    modern: async (text) =>
      codeOf(await postModern(gateway, 'tools/call', { name: 'c1-echo', arguments: { text } }), text),
    legacy: (text) => inSession(gateway, plain, text),
    'legacy that can be asked': (text) => inSession(gateway, askable, text),
    rest: async (text) => {
      const { status, body } = await gateway.execute('c1-echo', { text });
      return status === 200 ? 'ok' : String((body['error'] as { code?: string } | undefined)?.code ?? status);
    },
  };
  const outcomes: LoadOutcome[] = [];
  const running = new Set<Promise<void>>();
  const over = new AbortController();
  const load = randomUUID();

  async function call(number: number): Promise<void> {
    const way = WAYS[number % WAYS.length] ?? 'modern';
    const text = `${way} ${number} ${load}`;
    const begun = performance.now();
    const code = await calls[way](text).catch((error: unknown) => String(error));
    outcomes.push({ way, text, code, took: performance.now() - begun });
  }

  async function run(): Promise<void> {
    let due = performance.now();
    for (let number = 0; !over.signal.aborted; number += 1) {
      // A machine that cannot keep up calls less often; what was missed is not made up for all at once.
      due = Math.max(due + 1_000 / perSecond, performance.now());
      await sleep(Math.max(0, due - performance.now()));
      const done = call(number).finally(() => running.delete(done));
      running.add(done);
    }
  }

  const loop = run();
  return {
    outcomes,
    async stop() {
      over.abort();
      await loop;
      await Promise.all(running);
      return outcomes;
    },
  };
}

async function inSession(gateway: GatewayAccess, { headers }: LegacySession, text: string): Promise<string> {
  const params = { name: 'c1-echo', arguments: { text } };
  return codeOf(await postMcp(gateway, { jsonrpc: '2.0', id: text, method: 'tools/call', params }, { headers }), text);
}

function codeOf({ status, reply }: RpcAnswer, text: string): string {
  if (JSON.stringify(reply.result ?? null).includes(text)) return 'ok';
  const data = reply.error?.data as { code?: string } | undefined;
  return data?.code ?? `HTTP ${status}`;
}
