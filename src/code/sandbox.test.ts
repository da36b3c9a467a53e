import { afterAll, expect, test } from 'vitest';
import { createSandbox } from './sandbox.ts';
import type { Answer, Job, NestedCall } from './sandbox-messages.ts';

const sandbox = createSandbox({ places: () => 4 });
afterAll(() => sandbox.close());

const never = new AbortController().signal;
const says = (value: unknown): Answer => ({ kind: 'result', json: JSON.stringify({ structuredContent: value }) });

function job(code: string, more: Partial<Job> = {}): Job {
  const limits = { timeoutMs: 30_000, memoryBytes: 32 * 1024 ** 2, calls: 10, output: 1_000 };
  return { code, servers: ['files'], artifacts: undefined, limits, owner: 'me', resume: undefined, ...more };
}

test('results reach code as their structured content, as what their text means, or as they are', async () => {
  const texts: Record<string, unknown> = {
    structured: { structuredContent: { a: 1 }, content: [{ type: 'text', text: 'no' }] },
    json: {
      content: [
        { type: 'text', text: '{"a":' },
        { type: 'text', text: '1}' },
      ],
    },
    number: { content: [{ type: 'text', text: '42' }] },
    digits: { content: [{ type: 'text', text: '12345678901234567890' }] },
    plain: { content: [{ type: 'text', text: '[not json' }] },
    image: { content: [{ type: 'image', data: 'AA==', mimeType: 'image/png' }] },
  };
  const code = `const all: unknown[] = []; for (const name of ${JSON.stringify(Object.keys(texts))}) all.push(await files[name]()); return all`;
  const answer = async ({ tool }: NestedCall): Promise<Answer> => ({
    kind: 'result',
    json: JSON.stringify(texts[tool]),
  });
  const outcome = await sandbox.run(job(code), answer, never);
  expect(outcome).toMatchObject({ status: 'completed' });
  expect(JSON.parse((outcome.status === 'completed' && outcome.report.value) || '')).toEqual([
    { a: 1 },
    { a: 1 },
    42,
    '12345678901234567890',
    '[not json',
    [{ type: 'image', data: 'AA==', mimeType: 'image/png' }],
  ]);
});

test('a run that is interrupted goes on where it was, for its owner alone, and repeats no call', async () => {
  const calls: string[] = [];
  const answer = async ({ tool, resolution }: NestedCall): Promise<Answer> => {
    calls.push(tool);
    if (tool !== 'remove') return says(tool);
    return resolution === undefined ? { kind: 'interrupt', payload: { tool } } : says(resolution);
  };
  const code = `const first = await files.read(); const second = await files.remove({ path: 'x' }); return [first, second]`;
  const stopped = await sandbox.run(job(code), answer, never);
  if (stopped.status !== 'interrupted') throw new Error(JSON.stringify(stopped));
  const [interruption] = stopped.interruptions;
  expect(interruption?.payload).toEqual({ tool: 'remove' });
  const resume = {
    continuation: stopped.continuation,
    resolutions: [{ interruptionId: interruption?.id ?? '', value: 'approved' }],
  };
  expect(await sandbox.run(job(code, { resume, owner: 'you' }), answer, never)).toMatchObject({ status: 'failed' });
  expect(calls).toEqual(['read', 'remove']);
  const done = await sandbox.run(job(code, { resume }), answer, never);
  expect(done).toMatchObject({ status: 'completed', report: { value: '[\n  "read",\n  "approved"\n]' } });
  expect(calls).toEqual(['read', 'remove', 'remove']);
});

test('code that breaks what strips types is refused, and code that runs meanwhile goes on', async () => {
  const gate = Promise.withResolvers<Answer>();
  const arrived = Promise.withResolvers<void>();
  const running = sandbox.run(
    job('return await files.read()'),
    () => {
      arrived.resolve();
      return gate.promise;
    },
    never,
  );
  await arrived.promise;
  const deep = await sandbox.run(job(`x = ${'['.repeat(20_000)}${']'.repeat(20_000)}`), async () => says(1), never);
  expect(deep).toMatchObject({ status: 'failed', kind: 'syntax' });
  expect(await sandbox.run(job('const a: number = 1; return a'), async () => says(1), never)).toMatchObject({
    status: 'completed',
  });
  gate.resolve(says('still here'));
  expect(await running).toMatchObject({ status: 'completed', report: { value: '"still here"' } });
});

test('the process ends when nobody runs anything, and the next run starts another', async () => {
  const resting = createSandbox({ places: () => 1, idleMs: 1 });
  const run = () => resting.run(job('return 1'), async () => says(1), never);
  expect(await run()).toMatchObject({ status: 'completed' });
  await new Promise((resolve) => setTimeout(resolve, 50));
  expect(await run()).toMatchObject({ status: 'completed' });
  await resting.close();
  await expect(run()).rejects.toMatchObject({ code: 'shutting_down' });
});

test('a caller who is gone ends a run, also one that waits', async () => {
  const narrow = createSandbox({ places: () => 1 });
  const caller = new AbortController();
  const started = Promise.withResolvers<void>();
  const running = narrow.run(
    job('await files.read()'),
    () => {
      started.resolve();
      return new Promise<Answer>(() => {});
    },
    caller.signal,
  );
  await started.promise;
  const waiting = narrow.run(job('return 1'), async () => says(1), caller.signal);
  caller.abort();
  const ends = await Promise.allSettled([running, waiting]);
  expect(ends.map((end) => end.status === 'rejected' && (end.reason as { code: string }).code)).toEqual([
    'call_cancelled',
    'call_cancelled',
  ]);
  expect([narrow.running, narrow.waiting]).toEqual([0, 0]);
  await narrow.close();
});

test('what cannot go on where it stopped says so', async () => {
  const resume = { continuation: '{"version":1}', resolutions: [{ interruptionId: 'interrupt-1', value: true }] };
  const outcome = await sandbox.run({ ...job('return 1'), resume }, async () => says(1), never);
  expect(outcome).toMatchObject({ status: 'failed', message: expect.stringContaining('begin anew') });
});
