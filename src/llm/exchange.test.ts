import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { CallController } from '../lib/call-signal.ts';
import { GatewayError } from '../lib/errors.ts';
import type { HttpClient, HttpSink } from '../lib/http-client.ts';
import { readWhole, startExchange, type Arrived } from './exchange.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** A request with this patience, and the server that has it. */
function ask(
  { headMs, idleMs }: { headMs: number; idleMs: number },
  read: (arrived: Arrived) => Promise<Buffer | void> = readWhole,
) {
  let sink: HttpSink | undefined;
  const done = Promise.withResolvers<void>();
  const client: HttpClient = {
    send(_, to) {
      sink = to;
      return { done: done.promise, abort: done.reject, pause: () => undefined, resume: () => undefined };
    },
    close: async () => undefined,
  };
  const signal = new CallController();
  const url = new URL('http://provider.test/v1/chat/completions');
  const request = { method: 'POST' as const, url, headers: [] };
  const answer = startExchange(client, request, { provider: 'openai', headMs, idleMs }, signal);
  const whole = answer.then(async (arrived) => String(await read(arrived)));
  const outcome = whole.catch((error: unknown) =>
    error instanceof GatewayError ? `${error.code}: ${error.message}` : error,
  );
  return {
    outcome,
    signal,
    head: () => sink?.onHead(200, {}),
    data: (text: string) => sink?.onData(Buffer.from(text)),
    end: () => done.resolve(),
  };
}

const LATE = 'provider_timeout: the provider (http://provider.test)';

describe('an exchange with a provider', () => {
  test('ends when the head does not come in time', async () => {
    const { outcome } = ask({ headMs: 1_000, idleMs: 5_000 });
    await vi.advanceTimersByTimeAsync(1_001);
    expect(await outcome).toBe(`${LATE} did not answer in time`);
  });

  test.each([
    ['shorter than for the head', { headMs: 5_000, idleMs: 1_000 }],
    ['longer than for the head', { headMs: 700, idleMs: 1_000 }],
  ])('goes on as long as pieces come in time, which is %s', async (_, patience) => {
    const server = ask(patience);
    await vi.advanceTimersByTimeAsync(600);
    server.head();
    for (const text of ['a', 'b', 'c']) {
      await vi.advanceTimersByTimeAsync(900);
      server.data(text);
    }
    await vi.advanceTimersByTimeAsync(900);
    server.end();
    expect(await server.outcome).toBe('abc');
    expect(vi.getTimerCount()).toBe(0);
  });

  test('ends when the next piece does not come in time', async () => {
    const server = ask({ headMs: 700, idleMs: 1_000 });
    let isOver = false;
    void server.outcome.then(() => (isOver = true));
    server.head();
    await vi.advanceTimersByTimeAsync(500);
    server.data('a');
    await vi.advanceTimersByTimeAsync(990);
    expect(isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(20);
    expect(isOver).toBe(true);
    expect(await server.outcome).toBe(`${LATE} did not go on in time`);
  });

  test('does not end while it is held for a slow reader, but when it then does not go on', async () => {
    const slow = Promise.withResolvers<void>();
    const taken: number[] = [];
    const server = ask({ headMs: 700, idleMs: 1_000 }, ({ read }) =>
      read((chunk) => (taken.push(chunk.length) === 1 ? slow.promise : undefined)),
    );
    let isOver = false;
    void server.outcome.then(() => (isOver = true));
    server.head();
    await vi.advanceTimersByTimeAsync(0);
    server.data('a');
    await vi.advanceTimersByTimeAsync(0);
    server.data('b'.repeat(2_000_000));
    await vi.advanceTimersByTimeAsync(10_000);
    slow.resolve();
    await vi.advanceTimersByTimeAsync(990);
    server.data('c');
    await vi.advanceTimersByTimeAsync(990);
    expect([isOver, taken]).toEqual([false, [1, 2_000_000, 1]]);
    await vi.advanceTimersByTimeAsync(20);
    expect(await server.outcome).toBe(`${LATE} did not go on in time`);
  });

  test('ends when the caller gives up', async () => {
    const server = ask({ headMs: 1_000, idleMs: 1_000 });
    server.signal.abort();
    expect(await server.outcome).toBe('call_cancelled: the caller went away');
    expect(vi.getTimerCount()).toBe(0);
  });
});
