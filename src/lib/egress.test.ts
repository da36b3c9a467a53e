import type { LookupAddress } from 'node:dns';
import { once } from 'node:events';
import { connect, createServer, isIP, type AddressInfo } from 'node:net';
import { request } from 'undici';
import { expect, test } from 'vitest';
import { certificates } from '../../test/kit/certificates.ts';
import { listenOnLoopback } from '../../test/kit/http-host.ts';
import { startProxy } from '../../test/kit/proxy.ts';
import type { EgressPolicy, EgressSettings } from './egress-rules.ts';
import { createEgress, type Egress, type Resolve } from './egress.ts';
import { createHttpClient, type TlsOptions } from './http-client.ts';

const SERVER: EgressPolicy = { kind: 'server' };
const settings: EgressSettings = { allow_private_servers: true, egress_allowlist: [] };
const HERE = '127.0.0.1';

/** Answers each question with the next list of addresses, the last one for ever. */
function answering(...answers: string[][]): Resolve & { asked: string[] } {
  const asked: string[] = [];
  const resolve: Resolve = (name, _, done) => {
    asked.push(name);
    const found = answers.length > 1 ? answers.shift() : answers[0];
    const toEntry = (address: string): LookupAddress => ({ address, family: isIP(address) });
    setImmediate(() => done(null, (found ?? []).map(toEntry)));
  };
  return Object.assign(resolve, { asked });
}

async function get(egress: Egress, address: string, policy: EgressPolicy = SERVER): Promise<string> {
  const url = new URL(address);
  const dispatcher = egress.open({ url, policy, isServerHere: false }, {});
  try {
    return await (await request(url, { dispatcher })).body.text();
  } finally {
    await dispatcher.destroy();
  }
}

const listen = async (tls?: Parameters<typeof listenOnLoopback>[1]) => {
  const hosts: (string | undefined)[] = [];
  const host = await listenOnLoopback((incoming, response) => {
    hosts.push(incoming.headers.host);
    response.end('hello');
  }, tls);
  return { ...host, hosts, port: new URL(host.origin).port, [Symbol.asyncDispose]: () => host.stop() };
};

test('a name is looked up once per connection and connected to where it was seen to lead', async () => {
  await using host = await listen();
  const resolve = answering([HERE], ['169.254.169.254']);
  const egress = createEgress({ settings: () => settings, env: {}, resolve });
  const url = `http://tools.corp:${host.port}/`;
  expect(await get(egress, url)).toBe('hello');
  expect(resolve.asked).toEqual(['tools.corp']);
  expect(host.hosts).toEqual([`tools.corp:${host.port}`]);
  // The name has changed its mind: a new connection is refused.
  await expect(get(egress, url)).rejects.toMatchObject({ code: 'egress_blocked', details: { host: 'tools.corp' } });
  expect(host.hosts).toHaveLength(1);
});

test('TLS is checked against the name', async () => {
  const made = await certificates();
  await using host = await listen({ certificates: made });
  const egress = createEgress({ settings: () => settings, env: {}, resolve: answering([HERE]) });
  const open = async (name: string): Promise<string> => {
    const url = new URL(`https://${name}:${host.port}/`);
    const dispatcher = egress.open({ url, policy: SERVER, isServerHere: false }, { ca: made.ca });
    try {
      return await (await request(url, { dispatcher })).body.text();
    } finally {
      await dispatcher.destroy();
    }
  };
  expect(await open('localhost')).toBe('hello');
  await expect(open('another.corp')).rejects.toThrow(/altname|does not match/i);
});

test.for([
  'http://169.254.169.254/',
  'http://[fe80::1]/',
  'http://[::ffff:169.254.169.254]/',
  'http://0.0.0.0/',
  'http://[64:ff9b::a9fe:a9fe]/',
  'http://[fd00:ec2::254]/',
])('an address in the URL is looked at, too: %s', async (url) => {
  const egress = createEgress({ settings: () => settings, env: {}, resolve: answering([HERE]) });
  await expect(get(egress, url)).rejects.toMatchObject({ code: 'egress_blocked' });
});

test('the numbers of other times mean the same address', async () => {
  const egress = createEgress({ settings: () => ({ ...settings, allow_private_servers: false }), env: {} });
  for (const host of ['2130706433', '0x7f.1', '0177.0.0.1', '127.0.0.1.']) {
    await expect(get(egress, `http://${host}:1/`), host).rejects.toMatchObject({ code: 'egress_blocked' });
  }
});

test('of several addresses a registered server is reached at the allowed ones; a discovered one not at all', async () => {
  await using host = await listen();
  const egress = createEgress({
    settings: () => ({ ...settings, egress_allowlist: ['127.0.0.0/8'] }),
    env: {},
    resolve: answering(['fe80::1', '169.254.169.254', HERE]),
  });
  const url = `http://nas.local:${host.port}/`;
  expect(await get(egress, url)).toBe('hello');
  const policy: EgressPolicy = { kind: 'discovered', server: new URL('https://mcp.example') };
  await expect(get(egress, url, policy)).rejects.toMatchObject({ code: 'egress_blocked' });
});

test('a name without an address is no address', async () => {
  const egress = createEgress({ settings: () => settings, env: {}, resolve: answering([]) });
  await expect(get(egress, 'http://nowhere.corp/')).rejects.toThrow(/nowhere\.corp has no address/);
});

test('the rules are the same object until their settings change', () => {
  let now = { ...settings, other: 1 };
  const egress = createEgress({ settings: () => now, env: {} });
  const before = egress.rules();
  now = { ...settings, other: 2 };
  expect(egress.rules()).toBe(before);
  now = { ...now, allow_private_servers: false };
  expect(egress.rules()).not.toBe(before);
});

/** Sends a GET with the client for MCP servers. */
async function fetchWith(client: ReturnType<typeof createHttpClient>, url: URL): Promise<string> {
  let text = '';
  const sink = {
    onHead: (status: number) => void (text += `${status} `),
    onData: (chunk: Buffer) => void (text += chunk.toString()),
  };
  await client.send({ method: 'GET', url, headers: ['x-own', 'a'] }, sink).done;
  return text;
}

test('a setting that forbids the address of a connected server holds from the next request on', async () => {
  await using host = await listen();
  let now = settings;
  const egress = createEgress({ settings: () => now, env: {} });
  const url = new URL(`${host.origin}/`);
  const client = createHttpClient(url, undefined, egress);
  expect(await fetchWith(client, url)).toBe('200 hello');
  now = { ...settings, allow_private_servers: false };
  await expect(fetchWith(client, url)).rejects.toMatchObject({ code: 'egress_blocked' });
  now = settings;
  expect(await fetchWith(client, url)).toBe('200 hello');
  await client.close();
});

test('requests through a proxy go where the proxy looks the name up: https in a tunnel, http forwarded', async () => {
  await using proxy = await startProxy('user:pass%20word');
  const made = await certificates();
  await using plain = await listen();
  await using secure = await listen({ certificates: made });
  const env = { HTTP_PROXY: proxy.url, https_proxy: proxy.url, NO_PROXY: 'direct.corp' };
  const resolve = answering([HERE]);
  const egress = createEgress({ settings: () => settings, env, resolve });
  const tls: TlsOptions = { insecureSkipVerify: true, caPem: '', clientCertPem: '', clientKeyPem: '' };
  for (const [url, asked] of [
    [`http://plain.corp:${plain.port}/x?y=1`, `GET http://plain.corp:${plain.port}/x?y=1`],
    [`https://secure.corp:${secure.port}/x`, `CONNECT secure.corp:${secure.port}`],
  ] as const) {
    const client = createHttpClient(new URL(url), tls, egress);
    expect(await fetchWith(client, new URL(url))).toBe('200 hello');
    expect(proxy.asked).toContain(asked);
    await client.close();
  }
  expect(plain.hosts).toEqual([`plain.corp:${plain.port}`]);
  expect(secure.hosts).toEqual([`secure.corp:${secure.port}`]);
  expect(resolve.asked).toEqual([]);
  const count = proxy.asked.length;
  expect(await get(egress, `http://direct.corp:${plain.port}/`)).toBe('hello');
  expect(proxy.asked).toHaveLength(count);
});

test('a tunnel that a proxy does not open in time holds up no further request', async () => {
  const made = await certificates();
  await using secure = await listen({ certificates: made });
  let tunnels = 0;
  // The first one it forgets.
  const proxy = createServer((socket) => {
    socket
      .on('error', () => undefined)
      .once('data', () => {
        tunnels += 1;
        if (tunnels === 1) return;
        const there = connect(Number(secure.port), '127.0.0.1').on('error', () => undefined);
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        socket.pipe(there).pipe(socket);
      });
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  const env = { https_proxy: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}` };
  const egress = createEgress({ settings: () => settings, env, connectTimeoutMs: 1_000 });
  const tls: TlsOptions = { insecureSkipVerify: true, caPem: '', clientCertPem: '', clientKeyPem: '' };
  const url = new URL(`https://secure.corp:${secure.port}/`);
  const client = createHttpClient(url, tls, egress);
  await expect(fetchWith(client, url)).rejects.toMatchObject({ code: 'upstream_unreachable' });
  expect(await fetchWith(client, url)).toBe('200 hello');
  await client.close();
  proxy.close();
});

test('a proxy is not asked for what is blocked by name or address', async () => {
  await using proxy = await startProxy();
  const egress = createEgress({ settings: () => settings, env: { http_proxy: proxy.url, https_proxy: proxy.url } });
  for (const url of ['http://169.254.169.254/', 'https://[fe80::1]/', 'http://metadata.google.internal/']) {
    await expect(get(egress, url), url).rejects.toMatchObject({ code: 'egress_blocked' });
  }
  expect(proxy.asked).toEqual([]);
});

test('a proxy that refuses is an error without its password', async () => {
  await using proxy = await startProxy('user:other');
  const url = proxy.url.replace('other', 'canary-proxy');
  const egress = createEgress({ settings: () => settings, env: { HTTP_PROXY: url, HTTPS_PROXY: url } });
  for (const target of ['https://secure.corp/', 'http://plain.corp/']) {
    const client = createHttpClient(new URL(target), undefined, egress);
    const failure: unknown = await fetchWith(client, new URL(target)).then(String, (error: unknown) => error);
    expect(String(failure)).toMatch(/407/);
    expect(String(failure)).not.toContain('canary');
    await client.close();
  }
});

test('what is asked for the credentials of this machine is asked here, and not by a proxy', async () => {
  await using host = await listen();
  const env = { http_proxy: 'http://127.0.0.1:1' };
  const egress = createEgress({ settings: () => settings, env, resolve: answering([HERE]) });
  const url = `http://agent.example:${host.port}/`;
  await expect(get(egress, url)).rejects.toThrow();
  expect(await get(egress, url, { kind: 'machine-credentials' })).toBe('hello');
});
