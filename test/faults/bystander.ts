/** A process of its own: a well-behaved server, and a client that calls it and another one through the gateway under test. */
import { setTimeout as sleep } from 'node:timers/promises';
import { postModern, type McpEndpoint } from '../kit/wire.ts';
import { startUpstream } from '../kit/upstream.ts';

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
const PACE_MS = 16;

const upstream = await startUpstream({ answersJson: true });
let last = 0;

async function call({ endpoint, tools }: Job, sample: Sample): Promise<void> {
  const number = (last += 1);
  const tool = tools[number % tools.length];
  if (tool === undefined) return;
  const text = `other-${number}`;
  const began = performance.now();
  try {
    const params = { name: tool.name, arguments: { [tool.argument]: text } };
    const { reply, text: raw } = await postModern(endpoint, 'tools/call', params);
    const [part] = (reply.result?.['content'] ?? []) as { text?: string }[];
    if (part?.text === text) sample.latencies.push(performance.now() - began);
    else sample.failed.push(raw.slice(0, 300));
  } catch (error) {
    sample.failed.push(String(error));
  }
}

async function measure(job: Job): Promise<Sample> {
  const sample = { latencies: [], failed: [], twice: 0 };
  const end = performance.now() + job.ms;
  // Evenly apart: calls that came in the same moment would wait for each other.
  const lane = async (_: unknown, at: number): Promise<void> => {
    for (let next = performance.now() + (at * PACE_MS) / CALLERS; next < end; next += PACE_MS) {
      await sleep(Math.max(0, next - performance.now()));
      await call(job, sample);
    }
  };
  upstream.host.calls.length = 0;
  await Promise.all(Array.from({ length: CALLERS }, lane));
  const ran = upstream.host.calls.map((call) => String(call.arguments['text']));
  return { ...sample, twice: ran.length - new Set(ran).size };
}

process.on('message', (job: Job) => void measure(job).then((sample) => process.send?.(sample)));
process.once('disconnect', () => process.exit());
process.send?.({ url: upstream.url });
