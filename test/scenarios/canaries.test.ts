import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createCanaries, type Canaries } from '../kit/canaries.ts';
import { certificates } from '../kit/certificates.ts';
import { exchangeSettings, startExchangeProvider } from '../kit/exchange-provider.ts';
import { accessGateway, httpClient, type GatewayAccess } from '../kit/gateway.ts';
import { listenOnLoopback, readBody } from '../kit/http-host.ts';
import { startProxy } from '../kit/proxy.ts';
import { stdioServer } from '../kit/stdio.ts';
import { temporaryFolder } from '../kit/temporary-folder.ts';
import { startUpstream } from '../kit/upstream.ts';

const main = join(import.meta.dirname, '..', '..', 'src', 'main.ts');
const MAX_START_MS = 60_000;

/** Runs the whole program, and takes down all that it prints. */
async function runGateway(canaries: Canaries, env: Record<string, string>, args: string[], apiKey: string) {
  const child = spawn(
    process.execPath,
    [main, 'start', '--port', '0', '--log-level', 'debug', '--log-style', 'json', ...args],
    {
      env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...env },
    },
  );
  const printed = { text: '' };
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (data) => {
      printed.text += String(data);
      canaries.collect('the output of the process', String(data));
    });
  }
  const address = () => /listening on (http:\S+)/.exec(printed.text)?.[1];
  await expect.poll(() => address() ?? child.exitCode, { timeout: MAX_START_MS }).not.toBeNull();
  const found = address();
  return { child, printed, access: found === undefined ? undefined : accessGateway(found, apiKey) };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  child.kill('SIGTERM');
  await once(child, 'exit');
}

/** A server that says back all it was sent, in every kind of error. */
function startEcho() {
  return listenOnLoopback((request, response) => {
    void readBody(request).then((body) => {
      const status = Number(/status-(\d+)/.exec(request.url ?? '')?.[1] ?? 500);
      if (request.url?.includes('hang') === true) return;
      response.writeHead(status, { 'content-type': 'text/plain', 'www-authenticate': 'Bearer error="invalid_token"' });
      response.end(`no: ${request.url} ${JSON.stringify(request.headers)} ${body.slice(0, 100)}`);
    });
  });
}

/** A collector of traces. */
async function startCollector(canaries: Canaries) {
  const seen: (string | undefined)[] = [];
  const host = await listenOnLoopback((request, response) => {
    seen.push(request.headers['x-collector-key'] as string | undefined);
    void readBody(request).then((body) => {
      canaries.collect('traces', body);
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  return { ...host, seen };
}

/** Asks every GET route without parameters, and those of the records there are. */
async function readEverything(gateway: GatewayAccess, canaries: Canaries): Promise<void> {
  const { body: document } = await gateway.api('GET', '/api/openapi.json');
  const paths = Object.entries(document['paths'] as Record<string, Record<string, unknown>>);
  const clients = await gateway.listClients();
  const ids = clients.map(({ config }) => config.client_id);
  let count = 0;
  for (const [path, methods] of paths) {
    if (methods['get'] === undefined) continue;
    const concrete = path.includes('/mcp/client/{id}') ? ids.map((id) => path.replace('{id}', id)) : [path];
    for (const each of concrete.filter((one) => !one.includes('{'))) {
      const { status, body } = await gateway.api('GET', each);
      canaries.collect(`GET ${each}`, body);
      if (status === 200) count += 1;
    }
  }
  expect(count).toBeGreaterThan(10);
  const { body: logs } = await gateway.api('GET', '/api/mcp-logs');
  for (const { id } of logs['logs'] as { id: string }[]) {
    canaries.collect('a row of the MCP logs', (await gateway.api('GET', `/api/mcp-logs/${id}`)).body);
  }
  canaries.collect('metrics', (await gateway.api('GET', '/metrics')).body);
}

// To extend: make a word for the new place, put it there, use it once with success and once without.
test('no secret comes out anywhere, whatever fails', { timeout: 240_000 }, async () => {
  const canaries = createCanaries();
  await using folder = await temporaryFolder();
  const made = await certificates();
  const apiKey = canaries.make('the API key', 'bfst-');
  const word = {
    literal: `Bearer ${canaries.make('a header')}`,
    fromEnv: canaries.make('a header from the environment'),
    fromFile: canaries.make('a header from a file'),
    userinfo: canaries.make('the password in an address'),
    query: canaries.make('the query of an address'),
    child: canaries.make('a variable of a stdio server'),
    childEnv: canaries.make('a variable of a stdio server from the environment'),
    pem: canaries.make('a private key'),
    badPem: canaries.make('a certificate that is none'),
    virtualKey: canaries.make('a virtual key', 'sk-bf-'),
    wrongKey: canaries.make('a wrong key of a caller', 'sk-bf-'),
    wrongApiKey: canaries.make('a wrong API key', 'bfst-'),
    argument: canaries.make('an argument, while content is not logged'),
    collector: canaries.make('a header for the collector'),
    proxy: canaries.make('the password of the proxy'),
    bystander: canaries.make('a variable that nobody named'),
    passphrase: canaries.make('the passphrase'),
    exchangeSecret: canaries.make('the secret of a token exchange'),
    subjectToken: canaries.make('the token of a caller'),
    providerKey: canaries.make('a key of a provider', 'sk-'),
    providerHeader: canaries.make('a header for a provider'),
  };
  await using good = await startUpstream({ requiredHeader: ['Authorization', word.literal] });
  await using secure = await startUpstream({ tls: { certificates: made, requiresClientCertificate: true } });
  await using proxy = await startProxy('user:quite-another-one');
  await using open = await startUpstream();
  await using idp = await startExchangeProvider(word.exchangeSecret);
  const echo = await startEcho();
  const collector = await startCollector(canaries);
  const secretFile = join(folder.path, 'token');
  await writeFile(secretFile, `${word.fromFile}\n`);
  await writeFile(
    join(folder.path, 'config.json'),
    JSON.stringify({
      client: { disable_content_logging: true, mcp_tool_execution_timeout: 1 },
      governance: {
        virtual_keys: [{ name: 'vk', value: word.virtualKey }],
      },
      providers: {
        openai: {
          keys: [{ name: 'main', value: word.providerKey }],
          network_config: { extra_headers: { 'X-Tenant': word.providerHeader } },
        },
      },
      plugins: [
        { name: 'otel', config: { collector_url: collector.origin, headers: { 'x-collector-key': word.collector } } },
      ],
      mcp: {
        client_configs: [
          { ...httpClient(`http://u:${word.userinfo}@gone.example:1/?k=${word.query}`), name: 'unreachable' },
        ],
      },
    }),
  );
  const proxyUrl = proxy.url.replace('quite-another-one', word.proxy);
  const env = {
    ASBRU_API_KEY: apiKey,
    ASBRU_ENCRYPTION_KEY: word.passphrase,
    CANARY_HEADER: word.fromEnv,
    CANARY_CHILD: word.childEnv,
    CANARY_BYSTANDER: word.bystander,
    HTTP_PROXY: proxyUrl,
    https_proxy: proxyUrl,
    NODE_NO_WARNINGS: '1',
  };
  const { child, access } = await runGateway(canaries, env, ['--app-dir', folder.path], apiKey);
  if (access === undefined) throw new Error('the gateway did not start');
  try {
    const post = async (name: string, body: Record<string, unknown>) => {
      const answer = await access.api('POST', '/api/mcp/client', { tools_to_execute: ['*'], ...body, name });
      canaries.collect(`POST of ${name}`, answer.body);
      return answer.status;
    };
    const all = { Authorization: word.literal, 'X-Env': 'env.CANARY_HEADER', 'X-File': `file.${secretFile}` };
    const http = (url: string, more = {}) => httpClient(url, { headers: all, ...more });
    const envs = [`TOKEN=${word.child}`, 'CANARY_CHILD', 'OTHER=env.CANARY_HEADER'];
    const tls = (pem: string) => ({
      client_cert_pem: made.client.cert,
      client_key_pem: `${word.pem}\n${pem}`,
      ca_cert_pem: made.ca,
    });

    // What works.
    expect(await post('good', http(`${good.url}?k=${word.query}`))).toBe(200);
    expect(await post('child', { connection_type: 'stdio', stdio_config: { ...stdioServer(), envs } })).toBe(200);
    expect(await post('secure', { ...http(secure.url), headers: {}, tls_config: tls(made.client.key) })).toBe(200);
    expect((await access.execute('good-echo', { text: word.argument })).status).toBe(200);
    expect(
      good.requests.some(({ headers }) => headers['x-file'] === word.fromFile && headers['x-env'] === word.fromEnv),
    ).toBe(true);
    const asKey = await access.execute(
      'good-echo',
      { text: word.argument },
      { authorization: `Bearer ${word.virtualKey}` },
    );
    canaries.collect('an answer to a virtual key', asKey.body);
    expect(asKey.status).toBe(403); // known, but without a grant

    // Tokens of callers that are exchanged, refused by a provider that repeats them, or no good.
    const exchanged = {
      auth_type: 'token_exchange',
      token_exchange: { ...exchangeSettings(idp), subject_token_header: 'x-asbru-subject' },
      headers: {},
    };
    const subject = { jti: word.subjectToken };
    const subject_token = await idp.tokenOf('ann', subject);
    expect(await post('exchanged', { ...http(open.url), ...exchanged, subject_token })).toBe(200);
    idp.barred.add('mallory');
    const bad = await idp.tokenOf('mallory', subject);
    expect(await post('barred', { ...http(open.url), ...exchanged, subject_token: bad })).toBe(422);
    expect(await post('strange', { ...http(open.url), ...exchanged, subject_token: word.subjectToken })).toBe(400);
    for (const token of [subject_token, bad, word.subjectToken, await idp.tokenOf('ann', { ...subject, aud: 'x' })]) {
      const call = await access.execute('exchanged-echo', {}, { 'x-asbru-subject': token });
      canaries.collect('a call with a token to exchange', call.body);
    }
    const [ofExchanged] = (await access.listClients()).filter(({ config }) => config.name === 'exchanged');
    const diagnosis = `/api/mcp/client/${ofExchanged?.config.client_id}/diagnose`;
    canaries.collect('a diagnosis', (await access.api('POST', diagnosis)).body);

    // What fails: refused, unreachable, bad TLS, complaints that repeat what was sent, silence, a child that says all it knows.
    for (const status of [400, 401, 403, 404, 500]) {
      for (const connection_type of ['http', 'sse']) {
        expect(
          await post('complains', http(`${echo.origin}/status-${status}?k=${word.query}`, { connection_type })),
        ).toBe(422);
      }
    }
    expect(await post('nobody', http(`http://u:${word.userinfo}@127.0.0.1:1/?k=${word.query}`))).toBe(422);
    expect(await post('plain', http(secure.url.replace('https', 'http')))).toBe(422);
    expect(await post('untrusted', http(secure.url))).toBe(422);
    expect(await post('proxied', http(`http://far.example/?k=${word.query}`))).toBe(422);
    expect(await post('tunnelled', http(`https://u:${word.userinfo}@far.example/?k=${word.query}`))).toBe(422);
    expect(await post('metadata', http(`http://u:${word.userinfo}@169.254.169.254/?k=${word.query}`))).toBe(403);
    expect(await post('bad', { ...http(secure.url), tls_config: { ca_cert_pem: word.badPem } })).toBe(400);
    expect(await post('bad', { ...http(secure.url), tls_config: tls(word.badPem) })).toBe(400);
    expect(await post('bad', http(good.url, { headers: { 'X-A': `${word.literal}\n` } }))).toBe(400);
    expect(await post('bad', http(`ftp://u:${word.userinfo}@a.example`))).toBe(400);
    const tellsAll = { command: process.execPath, args: ['-e', 'console.error(process.env); process.exit(1)'], envs };
    expect(await post('tells', { connection_type: 'stdio', stdio_config: tellsAll })).toBe(422);

    // Later failures of what worked: they go to the log and to what is kept of the last failure.
    const id = (await access.listClients()).find(({ config }) => config.name === 'good')?.config.client_id ?? '';
    for (const patch of [
      { headers: { Authorization: `Bearer ${canaries.make('a header that is refused')}` } },
      { connection_string: `${echo.origin}/status-401?k=${word.query}` },
    ]) {
      canaries.collect('PUT of good', (await access.update(id, patch)).body);
    }
    good.delayMs = 2_500;
    canaries.collect('a call that takes too long', (await access.execute('good-echo', { text: word.argument })).body);
    good.delayMs = 0;
    good.requiredHeader = ['Authorization', 'another now'];
    canaries.collect('a refused call', (await access.execute('good-echo', { text: word.argument })).body);
    await good.stop();
    canaries.collect('a lost call', (await access.execute('good-echo', { text: word.argument })).body);
    canaries.collect('a reconnect', (await access.api('POST', `/api/mcp/client/${id}/reconnect`)).body);

    // Callers with wrong keys, in every place for one.
    for (const headers of [
      { authorization: `Bearer ${word.wrongKey}` },
      { 'x-bf-vk': word.wrongKey },
      { 'x-api-key': word.wrongKey },
      { authorization: `Bearer ${word.wrongApiKey}` },
      { authorization: `Basic ${Buffer.from(`admin:${word.wrongApiKey}`).toString('base64')}` },
    ]) {
      for (const [method, path] of [
        ['GET', '/api/mcp/clients'],
        ['POST', '/mcp'],
        ['POST', '/v1/mcp/tool/execute'],
        ['GET', '/metrics'],
      ] as const) {
        const answer = await access.api(method, path, method === 'POST' ? {} : undefined, {
          authorization: '',
          ...headers,
        });
        canaries.collect(`${method} ${path} with a wrong key`, answer.body);
      }
    }
    await readEverything(access, canaries);
  } finally {
    await end(child);
    await echo.stop();
  }
  expect(collector.seen).toContain(word.collector);
  await collector.stop();
  for (const file of await readdir(folder.path)) {
    if (file !== 'token' && file !== 'config.json')
      canaries.collect(`the file ${file}`, await readFile(join(folder.path, file), 'latin1'));
  }

  // It does not start: with another passphrase, with a database that refuses, with a proxy that is none.
  const bad = {
    postgres: canaries.make('the password of PostgreSQL'),
    passphrase: canaries.make('a wrong passphrase'),
  };
  const noDatabase = join(folder.path, 'no-database.json');
  const url = `postgres://u:${bad.postgres}@127.0.0.1:1/x`;
  await writeFile(noDatabase, JSON.stringify({ config_store: { type: 'postgres', config: { url } } }));
  for (const [more, args] of [
    [{ ASBRU_ENCRYPTION_KEY: bad.passphrase }, []],
    [{}, ['--config', noDatabase]],
    [{ HTTP_PROXY: `socks5://u:${word.proxy}@127.0.0.1:1` }, []],
    [{ HTTP_PROXY: `http://u:${word.proxy}@` }, []],
  ] as const) {
    const started = await runGateway(canaries, { ...env, ...more }, ['--app-dir', folder.path, ...args], apiKey);
    await end(started.child);
    expect([started.access, started.child.exitCode]).toEqual([undefined, 1]);
    expect(started.printed.text).toMatch(/cannot start/);
  }

  // That the search finds something at all: managers may see virtual keys, and the log did say something.
  expect(canaries.find().some((found) => found.includes('a virtual key'))).toBe(true);
  expect(canaries.collected(/output/)).toMatch(/far\.example|status-401|gone\.example/);
  expect(
    canaries.find((place, where) => place === 'a virtual key' && where.startsWith('GET /api/governance/virtual-keys')),
  ).toEqual([]);
});
