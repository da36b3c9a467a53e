import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { runCode, setCodeMode, valueOf } from '../kit/code.ts';
import { ESCAPES, TIME, type Escape } from '../kit/escapes.ts';
import { httpClient } from '../kit/gateway.ts';
import { createKey } from '../kit/keys.ts';
import { callText, startScene, type Scene } from '../kit/scene.ts';
import { startUpstream, type Upstream } from '../kit/upstream.ts';
import { waitFor } from '../kit/wait.ts';

describe('code that tries to get out', () => {
  const before = children();
  const answers = new Map<string, string>();
  let scene: Scene;
  let plain: Upstream;
  let served = 0;

  /** Runs all of it at once. */
  async function attempt(escapes: readonly Escape[]): Promise<void> {
    const runs = escapes.map(async ({ name, code }) => answers.set(name, (await runCode(scene.gateway, code)).text));
    await Promise.all(runs);
  }

  // While somebody else goes on calling tools.
  beforeAll(async () => {
    scene = await startScene({ client: { is_code_mode_client: true, tools_to_auto_execute: ['*'] } });
    plain = await startUpstream();
    await scene.gateway.createClient(httpClient(plain.url, { name: 'plain', allow_on_all_virtual_keys: true }));
    const key = await createKey(scene.gateway, 'bystander');
    await setCodeMode(scene.gateway, { timeout: 60, memory: 32, max_calls: 20, max_output: 2_000 });
    const [slow, quick] = [ESCAPES.filter(({ ends }) => ends === TIME), ESCAPES.filter(({ ends }) => ends !== TIME)];
    const over = new AbortController();
    const all = attempt(quick)
      .then(() => setCodeMode(scene.gateway, { timeout: 1 }))
      .then(() => attempt(slow))
      .finally(() => over.abort());
    while (!over.signal.aborted) {
      if ((await callText(key, 'plain-echo', { text: 'here' })) === 'here') served += 1;
      await sleep(10);
    }
    await all;
    await setCodeMode(scene.gateway, { timeout: 60 });
  });
  afterAll(() => plain.stop());

  test.for(ESCAPES)('does not, by $name', ({ name, ends }) => {
    const text = answers.get(name);
    expect(text).toMatch(ends);
    // Where the gateway lies is nobody's business either.
    expect(text).not.toMatch(/node_modules|file:\/\//);
  });

  test('leaves the sandbox to the next run as it was', async () => {
    const all = await Promise.all(
      Array.from({ length: 8 }, () => valueOf(scene.gateway, 'return [1, 2].map((n: number) => n + 1)')),
    );
    for (const value of all) expect(value).toEqual([2, 3]);
  });

  test('holds up nobody', () => {
    expect(served).toBeGreaterThan(ESCAPES.length);
    expect(plain.countCalls('echo')).toBe(served);
  });

  test('leaves no process behind', async () => {
    expect(children()).toBeGreaterThan(before);
    await scene[Symbol.asyncDispose]();
    await waitFor(() => children() === before, 'the process to end');
  });
});

function children(): number {
  return readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').split(' ').filter(Boolean).length;
}
