import { createServer, type RequestListener } from 'node:http';
import { once } from 'node:events';
import { createServer as createSilent, type AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { startProxy } from '../../test/kit/proxy.ts';
import { readBody } from '../../test/kit/http-host.ts';
import { createEgress, type Resolve } from './egress.ts';
import type { EgressPolicy } from './egress-rules.ts';
import { createGuardedFetch } from './guarded-fetch.ts';

interface Seen {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
}

async function listen(listener: RequestListener = (_, response) => void response.end('{}')) {
  const seen: Seen[] = [];
  const server = createServer((request, response) => {
    void readBody(request).then((body) => {
      const { method, url, headers } = request;
      seen.push({ method, url, headers, body });
      listener(request, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    origin,
    seen,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

const SETTINGS = { allow_private_servers: true, egress_allowlist: [] as string[] };
/** Every name leads to this machine. */
const here: Resolve = (_, __, done) => setImmediate(() => done(null, [{ address: '127.0.0.1', family: 4 }]));

function guarded(
  server: string,
  more: {
    settings?: Partial<typeof SETTINGS>;
    maxBytes?: number;
    timeoutMs?: number;
    env?: Record<string, string>;
  } = {},
) {
  const egress = createEgress({
    settings: () => ({ ...SETTINGS, ...more.settings }),
    env: more.env ?? {},
    resolve: here,
  });
  const policy: EgressPolicy = { kind: 'discovered', server: new URL(server) };
  const { maxBytes, timeoutMs } = more;
  return createGuardedFetch({ egress, policy, ...(maxBytes && { maxBytes }), ...(timeoutMs && { timeoutMs }) });
}

test('does what fetch does', async () => {
  await using host = await listen((request, response) => {
    response.writeHead(201, { 'content-type': 'application/json', 'set-cookie': ['a=1', 'b=2'] });
    response.end(JSON.stringify({ path: request.url }));
  });
  const fetch = guarded(host.origin);
  const response = await fetch(`${host.origin}/token?x=1`, {
    method: 'POST',
    headers: { authorization: 'Basic abc' },
    body: new URLSearchParams({ grant_type: 'refresh token' }),
  });
  expect(response).toBeInstanceOf(Response);
  expect([response.status, response.ok, response.url]).toEqual([201, true, `${host.origin}/token?x=1`]);
  expect(await response.json()).toEqual({ path: '/token?x=1' });
  expect(response.headers.getSetCookie()).toEqual(['a=1', 'b=2']);
  expect(host.seen[0]).toMatchObject({
    method: 'POST',
    body: 'grant_type=refresh+token',
    headers: { authorization: 'Basic abc', 'content-type': 'application/x-www-form-urlencoded;charset=UTF-8' },
  });
});

test('a request object and an answer without a body are taken', async () => {
  await using host = await listen((_, response) => void response.writeHead(204).end());
  const response = await guarded(host.origin)(new Request(host.origin, { headers: { 'x-a': '1' } }));
  expect([response.status, await response.text()]).toEqual([204, '']);
  expect(host.seen[0]?.headers).toMatchObject({ 'x-a': '1' });
});

test('what a server on this machine names may be here, too; what a remote server names may not', async () => {
  await using host = await listen();
  for (const server of [
    'http://localhost:1/mcp',
    'http://127.0.0.1:1/mcp',
    'http://[::1]:1/mcp',
    'http://mine.corp:1/mcp',
  ]) {
    expect((await guarded(server)(host.origin)).status, server).toBe(200);
  }
  // This one is elsewhere: only the name of the server leads here in this test, and an address is not looked up.
  const fetch = guarded('https://8.8.8.8/mcp');
  for (const url of [host.origin, host.origin.replace('127.0.0.1', 'auth.corp')]) {
    await expect(fetch(url)).rejects.toMatchObject({
      code: 'egress_blocked',
      details: { setting: 'egress_allowlist' },
    });
  }
  expect(host.seen).toHaveLength(4);
  const allowed = guarded('https://8.8.8.8/mcp', { settings: { egress_allowlist: ['auth.corp'] } });
  expect((await allowed(host.origin.replace('127.0.0.1', 'auth.corp'))).status).toBe(200);
});

test.for([
  'http://169.254.169.254/latest',
  'http://[::ffff:169.254.169.254]/',
  'http://10.0.0.1/',
  'http://0.0.0.0/',
  'ftp://x/',
  'http://[fd00:ec2::254]/',
])('a redirect to %s is not followed', async (location) => {
  await using host = await listen((_, response) => void response.writeHead(302, { location }).end());
  await expect(guarded(host.origin)(host.origin)).rejects.toMatchObject({
    code: location.startsWith('ftp') ? 'upstream_bad_reply' : 'egress_blocked',
  });
});

test('redirects keep credentials for one origin only', async () => {
  await using other = await listen();
  await using host = await listen((request, response) => {
    const location = request.url === '/' ? '/same' : `${other.origin}/else`;
    response.writeHead(307, { location }).end();
  });
  const headers = { authorization: 'Bearer x', cookie: 'a=1', 'x-kept': '1' };
  const response = await guarded(host.origin)(host.origin, { headers });
  expect(response.url).toBe(`${other.origin}/else`);
  expect(host.seen.map(({ headers }) => headers['authorization'])).toEqual(['Bearer x', 'Bearer x']);
  expect(other.seen[0]?.headers).toMatchObject({ 'x-kept': '1' });
  expect(other.seen[0]?.headers).not.toHaveProperty('authorization');
  expect(other.seen[0]?.headers).not.toHaveProperty('cookie');
});

test('three redirects are followed, and not a fourth', async () => {
  await using host = await listen((request, response) => {
    const left = Number(request.url?.slice(1));
    if (left === 0) response.end('done');
    else response.writeHead(302, { location: `/${left - 1}` }).end();
  });
  const fetch = guarded(host.origin);
  expect(await (await fetch(`${host.origin}/3`)).text()).toBe('done');
  await expect(fetch(`${host.origin}/4`)).rejects.toMatchObject({ code: 'upstream_bad_reply' });
  expect((await fetch(`${host.origin}/1`, { redirect: 'manual' })).status).toBe(302);
  await expect(fetch(`${host.origin}/1`, { redirect: 'error' })).rejects.toMatchObject({ code: 'upstream_bad_reply' });
});

test('a POST is never sent on', async () => {
  await using host = await listen((_, response) => void response.writeHead(307, { location: '/else' }).end());
  const response = await guarded(host.origin)(host.origin, { method: 'POST', body: 'secret' });
  expect(response.status).toBe(307);
  expect(host.seen).toHaveLength(1);
});

test('an answer without end is cut off', async () => {
  await using host = await listen((_, response) => {
    const more = (): void => {
      while (response.writable && !response.destroyed && response.write('x'.repeat(65_536)));
      response.once('drain', more);
    };
    more();
  });
  await expect(guarded(host.origin)(host.origin)).rejects.toThrow(/more than 1048576 bytes/);
  await expect(guarded(host.origin, { maxBytes: 10 })(host.origin)).rejects.toMatchObject({
    code: 'upstream_bad_reply',
  });
});

test('an answer that does not come is given up', async () => {
  await using silent = await listen(() => {});
  await using slow = await listen((_, response) => void response.write('x'));
  for (const { origin } of [silent, slow]) {
    await expect(guarded(origin, { timeoutMs: 50 })(origin)).rejects.toMatchObject({ code: 'upstream_timeout' });
    const gaveUp = new AbortController();
    const fetching = guarded(origin)(origin, { signal: gaveUp.signal });
    gaveUp.abort(new Error('enough'));
    await expect(fetching).rejects.toThrow('enough');
  }
});

test('a tunnel that a proxy does not open is given up as well', async () => {
  const proxy = createSilent(() => undefined).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const env = { https_proxy: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` };
  const fetch = guarded('https://mcp.example', { env, timeoutMs: 100 });
  await expect(fetch('https://auth.example')).rejects.toMatchObject({ code: 'upstream_timeout' });
  proxy.close();
});

test('a server that is not there is unreachable', async () => {
  const gone = await listen();
  await gone[Symbol.asyncDispose]();
  await expect(guarded(gone.origin)(gone.origin)).rejects.toMatchObject({ code: 'upstream_unreachable' });
});

test('behind a proxy discovered names are judged by the name', async () => {
  await using proxy = await startProxy();
  const env = { HTTPS_PROXY: proxy.url, HTTP_PROXY: proxy.url };
  const fetch = guarded('https://mcp.example', { env });
  for (const url of ['https://10.0.0.1/', 'https://intranet/', 'https://169.254.169.254/', 'http://auth.example/']) {
    await expect(fetch(url), url).rejects.toMatchObject({ code: 'egress_blocked' });
  }
  expect(proxy.asked).toEqual([]);
  await using host = await listen();
  const allowed = guarded('https://mcp.example', { env, settings: { egress_allowlist: ['intranet'] } });
  expect((await allowed(`http://intranet:${new URL(host.origin).port}/x`)).status).toBe(200);
  expect(host.seen[0]).toMatchObject({ url: '/x' });
});
