/**
 * A process of its own: a well-behaved server, and a client that calls it and another one through the gateway under test. Both are
 * as light as can be: what they spend on themselves, such as collecting garbage, would be taken for the gateway's.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { Pool } from 'undici';
import { describe, post } from '../../bench/exchange.ts';
import { startRawUpstream } from '../kit/raw-upstream.ts';
import { modernRequest, requestHeaders, type McpEndpoint } from '../kit/wire.ts';

/** What to measure. */
export interface Job {
  readonly endpoint: McpEndpoint;
  /** Tools that answer with the argument of that name. */
  readonly tools: readonly { readonly name: string; readonly argument: string }[];
  readonly ms: number;
}

/** What came of it. */
export interface Sample {
  readonly latencies: number[];
  /** Each with what was said instead of an answer. */
  readonly failed: string[];
  /** Calls that ran more than once at the server. */
  readonly twice: number;
}

const CALLERS = 4;
const PACE_MS = 5;

const upstream = await startRawUpstream();
let ran: string[] = [];
upstream.resultText = (input) => {
  const { text } = input as { text: string };
  ran.push(text);
  return `{"content":[{"type":"text","text":"${text}"}]}`;
};
let last = 0;

async function measure({ endpoint, tools, ms }: Job): Promise<Sample> {
  const sample: Sample = { latencies: [], failed: [], twice: 0 };
  const pool = new Pool(endpoint.address, { connections: CALLERS });
  const end = performance.now() + ms;

  // Evenly apart: calls that came in the same moment would wait for each other.
  const lane = async (_: unknown, at: number): Promise<void> => {
    for (let next = performance.now() + (at * PACE_MS) / CALLERS; next < end; next += PACE_MS) {
      await sleep(Math.max(0, next - performance.now()));
      const number = (last += 1);
      const tool = tools[number % tools.length];
      if (tool !== undefined) await call({ pool, endpoint, ...tool }, `other-${number}`, sample);
    }
  };
  ran = [];
  await Promise.all(Array.from({ length: CALLERS }, lane));
  await pool.destroy();
  return { ...sample, twice: ran.length - new Set(ran).size };
}

interface Way {
  readonly pool: Pool;
  readonly endpoint: McpEndpoint;
  readonly name: string;
  readonly argument: string;
}

async function call({ pool, endpoint, name, argument }: Way, text: string, sample: Sample): Promise<void> {
  const { message, headers } = modernRequest('tools/call', { name, arguments: { [argument]: text } });
  const body = JSON.stringify(message);
  const began = performance.now();
  try {
    const reply = await post({ pool, path: '/mcp', headers: requestHeaders(endpoint, headers) }, body);
    const took = performance.now() - began;
    if (reply.body.includes(`"text":"${text}"`)) sample.latencies.push(took);
    else sample.failed.push(describe(reply));
  } catch (error) {
    sample.failed.push(String(error));
  }
}

process.on('message', (job: Job) => void measure(job).then((sample) => process.send?.(sample)));
process.once('disconnect', () => process.exit());
process.send?.({ url: upstream.url });
