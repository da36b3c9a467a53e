import { fetch, request } from 'undici';
import { expect, test } from 'vitest';
import { listenOnLoopback } from '../../../test/kit/http-host.ts';
import { connector } from '../../../test/kit/scripted-peer.ts';
import { Http1Client } from './client.ts';

test('fetch and request go through it, with streams, redirects and compressed bodies left to them', async () => {
  await using host = await listenHttp();
  const dispatcher = new Http1Client(host.origin, { connect: connector() });
  const posted = await fetch(`${host.origin}/echo`, { method: 'POST', body: 'grün', dispatcher });
  expect(await posted.text()).toBe('grün');
  const body = new ReadableStream({
    start(controller) {
      for (const part of ['a', 'b']) controller.enqueue(Buffer.from(part));
      controller.close();
    },
  });
  const streamed = await fetch(`${host.origin}/echo`, { method: 'POST', body, duplex: 'half', dispatcher });
  expect(await streamed.text()).toBe('ab');
  const redirected = await fetch(`${host.origin}/away`, { redirect: 'manual', dispatcher });
  expect([redirected.status, redirected.headers.get('location'), redirected.headers.getSetCookie()]).toEqual([
    302,
    '/echo',
    ['a=1', 'b=2'],
  ]);
  const large = await fetch(`${host.origin}/large`, { dispatcher });
  expect((await large.arrayBuffer()).byteLength).toBe(3_000_000);
  const raw = await request(`${host.origin}/away`, { dispatcher, responseHeaders: 'raw' });
  expect(raw.headers).toContain('location');
  await raw.body.dump();
  const ended = new AbortController();
  const lost = fetch(`${host.origin}/never`, { dispatcher, signal: ended.signal });
  setTimeout(() => ended.abort(), 10);
  await expect(lost).rejects.toThrow('aborted');
  await dispatcher.destroy();
});

async function listenHttp(): Promise<{ origin: string; [Symbol.asyncDispose](): Promise<void> }> {
  const host = await listenOnLoopback((incoming, response) => {
    if (incoming.url === '/echo') incoming.pipe(response);
    else if (incoming.url === '/large') response.end(Buffer.alloc(3_000_000));
    else if (incoming.url === '/away') {
      response.writeHead(302, ['location', '/echo', 'set-cookie', 'a=1', 'set-cookie', 'b=2']).end('elsewhere');
    }
  });
  return { origin: host.origin, [Symbol.asyncDispose]: () => host.stop() };
}
