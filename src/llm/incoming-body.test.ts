import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { listenOnLoopback } from '../../test/kit/http-host.ts';
import { growthOf } from '../../test/kit/old-generation.ts';
import { startProxy } from '../../test/kit/proxy.ts';
import { CallController } from '../lib/call-signal.ts';
import { createEgress } from '../lib/egress.ts';
import { createHttpClient } from '../lib/http-client.ts';
import { startExchange } from './exchange.ts';
import { IncomingBody } from './incoming-body.ts';

/** A body whose source writes down what it is told. */
function open() {
  const told: string[] = [];
  const source = {
    pause: () => void told.push('pause'),
    resume: () => void told.push('resume'),
    abort: ({ code }: { code: string }) => void told.push(code),
  };
  return { body: new IncomingBody(source), told };
}

test('hands on what came before it was read, what comes together in one piece, and settles at the end', async () => {
  const { body } = open();
  body.push(Buffer.from('a'));
  const taken: string[] = [];
  const done = body.read((chunk) => void taken.push(String(chunk)));
  body.push(Buffer.from('b'));
  body.push(Buffer.from('c'));
  await Promise.resolve();
  body.push(Buffer.from('d'));
  body.end();
  await done;
  expect(taken).toEqual(['a', 'bc', 'd']);
});

test('a reader that is not ready holds back the next piece, and the source when too much waits', async () => {
  const { body, told } = open();
  const ready = Promise.withResolvers<void>();
  const sizes: number[] = [];
  const done = body.read((chunk) => {
    sizes.push(chunk.length);
    return sizes.length === 1 ? ready.promise : undefined;
  });
  body.push(Buffer.alloc(1));
  await Promise.resolve();
  body.push(Buffer.alloc(1024 * 1024));
  expect(told).toEqual([]);
  body.push(Buffer.alloc(1));
  body.end();
  expect([sizes, told]).toEqual([[1], ['pause']]);
  ready.resolve();
  await done;
  expect([sizes, told]).toEqual([
    [1, 1024 * 1024 + 1],
    ['pause', 'resume'],
  ]);
});

test('a slow reader gets all of a large body, one piece after the other, with a proxy in between and without', async () => {
  const parts = Array.from({ length: 40 }, (_, index) => Buffer.alloc(300_000, index + 1));
  const host = await listenOnLoopback((_, response) => void pipeline(parts, response));
  await using proxy = await startProxy();
  const url = new URL(host.origin);
  for (const env of [{}, { HTTP_PROXY: proxy.url }]) {
    const settings = { allow_private_servers: true, egress_allowlist: [] };
    // No proxy is asked for this machine by its name or address.
    if ('HTTP_PROXY' in env) url.hostname = 'provider.corp';
    const client = createHttpClient(url, undefined, createEgress({ settings: () => settings, env }));
    const patience = { provider: 'openai', headMs: 5_000, idleMs: 5_000 };
    const { read } = await startExchange(client, { method: 'GET', url, headers: [] }, patience, new CallController());
    const pieces: Buffer[] = [];
    let isReading = false;
    await read(async (chunk) => {
      expect(isReading).toBe(false);
      isReading = true;
      pieces.push(chunk);
      await sleep(20);
      isReading = false;
    });
    expect(Buffer.concat(pieces).equals(Buffer.concat(parts))).toBe(true);
    await client.close();
  }
  expect(proxy.asked).toHaveLength(1);
  await host.stop();
});

test('a body that fails hands on all that came, then rejects', async () => {
  const { body } = open();
  const taken: string[] = [];
  body.push(Buffer.from('a'));
  body.end(new Error('lost'));
  await expect(body.read((chunk) => void taken.push(String(chunk)))).rejects.toThrow('lost');
  expect(taken).toEqual(['a']);
});

test.each(['throws', 'rejects'])('a reader that %s ends the exchange and gets nothing more', async (how) => {
  const { body, told } = open();
  let calls = 0;
  const done = body.read(() => {
    calls += 1;
    if (how === 'throws') throw new Error('full');
    return Promise.reject(new Error('full'));
  });
  body.push(Buffer.from('a'));
  await expect(done).rejects.toThrow('full');
  body.push(Buffer.from('b'));
  body.end();
  await Promise.resolve();
  expect([calls, told]).toEqual([1, ['call_cancelled']]);
});

test('a body that was read is garbage for the next small collection', () => {
  const growth = growthOf((ballast) => {
    const { body } = open();
    void body.read(() => void ballast.length);
    body.end();
  });
  expect(growth).toBeLessThan(4_000_000);
});
