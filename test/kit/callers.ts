import type { GatewayAccess } from './gateway.ts';
import type { TestKey } from './keys.ts';
import { postModern } from './wire.ts';

/** What one call came to. */
export interface Outcome {
  /** What it asked echo to say: no two calls say the same. */
  readonly text: string;
  /** "ok", or the code of the refusal. */
  readonly code: string;
  /** HTTP status. */
  readonly status: number;
  /** Epoch milliseconds. */
  readonly answeredAt: number;
}

interface Callers {
  readonly gateway: GatewayAccess;
  readonly key: TestKey;
  /** How many call at the same time. */
  readonly callers: number;
  /** Calls of all of them together. */
  readonly calls: number;
  /** Begins what they say. */
  readonly prefix: string;
  /** Hears of each answer at once. */
  readonly onOutcome?: (outcome: Outcome) => void;
}

/** All callers send this as their `x-request-id`. */
export const SAME_REQUEST_ID = 'the-same-for-all';

/**
 * Calls `c1-echo` with a virtual key from many callers, half over `/mcp`, half over REST. A caller whose connection fails stops.
 * Gives what was answered.
 */
export async function runCallers({ gateway, key, callers, calls, prefix, onOutcome }: Callers): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  let next = 0;
  const run = async (): Promise<void> => {
    while (next < calls) {
      const number = next++;
      const send = number % 2 === 0 ? callOverMcp : callOverRest;
      try {
        const outcome = await send({ ...gateway, apiKey: key.value }, `${prefix}${number}`);
        outcomes.push(outcome);
        onOutcome?.(outcome);
      } catch (error) {
        if (error instanceof TypeError) return; // fetch: the connection broke
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: callers }, run));
  return outcomes;
}

const headers = { 'x-request-id': SAME_REQUEST_ID };

async function callOverMcp(endpoint: GatewayAccess, text: string): Promise<Outcome> {
  const { status, reply } = await postModern(
    endpoint,
    'tools/call',
    { name: 'c1-echo', arguments: { text } },
    { headers },
  );
  const answeredAt = Date.now();
  const data = reply.error?.data as { code: string } | undefined;
  return { text, code: reply.result === undefined ? (data?.code ?? 'none') : 'ok', status, answeredAt };
}

async function callOverRest({ address, apiKey }: GatewayAccess, text: string): Promise<Outcome> {
  const response = await fetch(`${address}/v1/mcp/tool/execute`, {
    method: 'POST',
    headers: { ...headers, 'x-bf-vk': apiKey },
    body: JSON.stringify({ id: text, function: { name: 'c1-echo', arguments: JSON.stringify({ text }) } }),
  });
  const body = (await response.json()) as { type?: string };
  const { status } = response;
  return { text, code: status === 200 ? 'ok' : String(body.type), status, answeredAt: Date.now() };
}

/** Those that were let through. */
export function successesOf(outcomes: readonly Outcome[]): Outcome[] {
  return outcomes.filter(({ code }) => code === 'ok');
}
