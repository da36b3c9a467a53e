import { request as httpRequest } from 'node:http';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { addUser, basic, openBrowser, PASSWORD, setUp, signedIn } from '../kit/browser-session.ts';
import { messageIn, type TestGateway } from '../kit/gateway.ts';
import { startScene } from '../kit/scene.ts';

const body = { name: 'stolen' };

test('a management request without a usable credential gets 401 and changes nothing', async () => {
  await using scene = await startScene();
  const { gateway, id } = scene;
  const before = await gateway.getClient(id);
  const credentials: Record<string, string>[] = [
    { authorization: '' },
    { authorization: '', 'x-api-key': gateway.apiKey },
    { authorization: 'Bearer sk-bf-0123456789abcdef' },
    { authorization: 'Bearer ' },
    { authorization: `Bearer ${gateway.apiKey}x` },
    { authorization: gateway.apiKey },
    { authorization: `Basic ${btoa('admin:admin')}` },
    { authorization: '', cookie: `token=${gateway.apiKey}` },
  ];
  for (const headers of credentials) {
    const answer = await gateway.api('PUT', `/api/mcp/client/${id}`, body, headers);
    expect(answer.status, JSON.stringify(headers)).toBe(401);
    messageIn(answer);
  }
  expect(await gateway.getClient(id)).toEqual(before);
});

interface Operation {
  readonly method: string;
  readonly path: string;
}

/** Every operation of the OpenAPI document that wants a credential, with an id of something that exists where there is one. */
async function guardedOperations(gateway: TestGateway, id: string): Promise<Operation[]> {
  const { paths } = (await gateway.api('GET', '/api/openapi.json')).body as {
    paths: Record<string, Record<string, { security: unknown[] }>>;
  };
  const operations = Object.entries(paths).flatMap(([template, methods]) =>
    Object.entries(methods)
      .filter(([, { security }]) => security.length > 0)
      .map(([method]) => ({ method: method.toUpperCase(), path: template.replaceAll(/\{\w+\}/g, id) })),
  );
  expect(operations.length).toBeGreaterThan(30);
  return [...operations, { method: 'GET', path: '/metrics' }];
}

/** What is no credential here although it is one somewhere, or was one once. */
async function wrongCredentials(gateway: TestGateway): Promise<Record<string, string>[]> {
  await setUp(gateway);
  const { body } = await gateway.api('POST', '/api/governance/virtual-keys', { name: 'vk' });
  const { value } = body['virtual_key'] as { value: string };
  const token = (await signedIn(gateway)).cookies.get('token') ?? '';
  const gone = await signedIn(gateway);
  const ended = gone.cookies.get('token') ?? '';
  await gone.send('POST', '/api/session/logout');
  const revoked = await gateway.api('POST', '/api/api-keys', { name: 'revoked' });
  const { id } = revoked.body['api_key'] as { id: number };
  await gateway.api('DELETE', `/api/api-keys/${id}`);
  const { apiKey } = gateway;
  return [
    {},
    { authorization: 'Bearer' },
    { authorization: `Bearer ${value}` },
    { authorization: `Bearer ${token}` },
    { authorization: `Bearer ${String(revoked.body['key'])}` },
    { authorization: `Bearer ${Buffer.from(`root:${PASSWORD}`).toString('base64')}` },
    { authorization: `Bearer ${apiKey}, Bearer x` },
    { authorization: `Token ${apiKey}` },
    { authorization: `Bearer ${apiKey}`, 'x-bf-vk': value },
    { ...basic('root', PASSWORD), 'x-api-key': value },
    { 'x-bf-vk': value },
    { 'x-api-key': value },
    { 'x-goog-api-key': value },
    { 'api-key': value },
    { 'x-api-key': apiKey },
    { 'x-api-key': value, cookie: `token=${token}` },
    { 'api-key': token },
    { 'x-asbru-setup-token': 'setup' },
    { cookie: `token=${ended}` },
    { cookie: `token=${apiKey}` },
    { cookie: `token=${value}` },
    { cookie: `session=${token}; xtoken=${token}` },
  ];
}

/** A request whose path goes out exactly as it is. */
function sendRaw(gateway: TestGateway, { method, path }: Operation, headers: Record<string, string>): Promise<number> {
  const { hostname, port } = new URL(gateway.address);
  return new Promise((resolve, reject) => {
    const request = httpRequest({ hostname, port, method, path, headers }, (response) => {
      response.resume();
      response.on('end', () => resolve(response.statusCode ?? 0));
    });
    request.on('error', reject);
    request.end(method === 'GET' || method === 'DELETE' ? undefined : '{}');
  });
}

test('every operation wants a credential, and takes no wrong one', async () => {
  await using scene = await startScene();
  const { gateway, id } = scene;
  const credentials = await wrongCredentials(gateway);
  const operations = await guardedOperations(gateway, id);
  const before = await gateway.getClient(id);
  for (const operation of operations) {
    for (const headers of credentials) {
      const status = await sendRaw(gateway, operation, { 'content-type': 'application/json', ...headers });
      expect(status, `${operation.method} ${operation.path} ${JSON.stringify(headers)}`).toBe(401);
    }
  }
  expect(await gateway.getClient(id)).toEqual(before);
});

test('health, and signing in, are open to whoever comes', async () => {
  await using scene = await startScene();
  const { gateway } = scene;
  await setUp(gateway);
  expect(await sendRaw(gateway, { method: 'GET', path: '/health' }, {})).toBe(200);
  const { status, body } = await openBrowser(gateway).login('root', PASSWORD);
  expect(status, JSON.stringify(body)).toBe(200);
});

/** Other ways to write a path, which some routers and proxies take for the same one. */
function spellings(path: string, address: string): string[] {
  const [, first = '', ...rest] = path.split('/');
  const tail = rest.join('/');
  const last = encodeURIComponent(path.at(-1) ?? '').replace(
    /^\w$/,
    (letter) => `%${letter.charCodeAt(0).toString(16)}`,
  );
  return [
    `/${path}`,
    `//${first}//${tail}`,
    `/${first}//${tail}`,
    `${path}/`,
    `${path}//`,
    `${path}.`,
    `${path}%20`,
    `${path}%00`,
    `${path}%2f`,
    `${path}%23`,
    `${path};a=b`,
    `/${first};x/${tail}`,
    `${path}?x=/health`,
    `${path}#/health`,
    `/./${first}/./${tail}`,
    `/${first}/x/../${tail}`,
    `/health/..${path}`,
    `/health/%2e%2e${path}`,
    `/health/..;${path}`,
    `/api/version/..%2f..${path}`,
    `/api/session/login/..${path.replace('/api', '')}`,
    `/%${first.charCodeAt(0).toString(16)}${first.slice(1)}/${tail}`,
    `${path.slice(0, -1)}${last}`,
    `${path.slice(0, -1)}%25${last.slice(1)}`,
    path.toUpperCase(),
    path.replaceAll('/', '\\'),
    path.replaceAll('/', '%2f'),
    path.replaceAll('/', '%5c'),
    `/${path.slice(1).replaceAll('/', '/%09')}`,
    `${address}${path}`,
    `http://health${path}`,
    `http://health@${new URL(address).host}${path}`,
  ];
}

test('no spelling of a path leads around the check', async () => {
  await using scene = await startScene();
  const { gateway, id } = scene;
  const operations = await guardedOperations(gateway, id);
  const before = await gateway.getClient(id);
  const settings = (await gateway.api('GET', '/api/config')).body;
  for (const { method, path } of operations) {
    for (const spelling of spellings(path, gateway.address)) {
      const status = await sendRaw(gateway, { method, path: spelling }, {});
      expect([400, 401, 403, 404, 405], `${method} ${spelling} → ${status}`).toContain(status);
    }
  }
  expect(await gateway.getClient(id)).toEqual(before);
  expect((await gateway.api('GET', '/api/config')).body).toEqual(settings);
});

/** One change of a path that leaves it the same for some router, proxy or decoder; `at` says where. */
const CHANGES: readonly ((path: string, at: number) => string)[] = [
  (path, at) => splice(path, at, encode),
  (path, at) => splice(path, at, (letter) => encode(letter).toLowerCase()),
  (path, at) => splice(path, at, (letter) => encode(letter).replace('%', '%25')),
  (path, at) => splice(path, at, (letter) => `%u00${encode(letter).slice(1)}`),
  (path, at) => splice(path, at, (letter) => letter.toUpperCase()),
  ...[
    '/',
    '//',
    './',
    'x/../',
    '%2e%2e/',
    '..;/',
    ';a=b',
    '%2f',
    '%5c',
    '\\',
    '%00',
    '%09',
    '.',
    '%20',
    '%ef%bc%8f',
  ].map((text) => (path: string, at: number) => splice(path, at, (letter) => letter + text)),
];

function splice(path: string, at: number, change: (letter: string) => string): string {
  const place = at % path.length;
  return path.slice(0, place) + change(path[place] ?? '') + path.slice(place + 1);
}

function encode(letter: string): string {
  return `%${letter.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`;
}

test('no path that is written in several odd ways at once leads around it either', async () => {
  await using scene = await startScene();
  const { gateway, id } = scene;
  const operations = await guardedOperations(gateway, id);
  const before = await gateway.getClient(id);
  const change = fc.tuple(fc.nat(CHANGES.length - 1), fc.nat(100));
  const changes = fc.array(change, { minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...operations), changes, async ({ method, path }, list) => {
      const odd = list.reduce((text, [which, at]) => CHANGES[which]?.(text, at) ?? text, path);
      const status = await sendRaw(gateway, { method, path: odd.startsWith('/') ? odd : `/${odd}` }, {});
      expect([400, 401, 403, 404, 405], `${method} ${odd} → ${status}`).toContain(status);
    }),
    { numRuns: 1_000 },
  );
  expect(await gateway.getClient(id)).toEqual(before);
});

test('every operation that changes something wants more than a cookie', async () => {
  await using scene = await startScene();
  const { gateway, id } = scene;
  await setUp(gateway);
  const browser = await signedIn(gateway);
  const cookie = `token=${browser.cookies.get('token')}`;
  const origin = gateway.address;
  const before = await gateway.getClient(id);
  const operations = await guardedOperations(gateway, id);
  for (const operation of operations.filter(({ method }) => method !== 'GET')) {
    for (const headers of [{}, { origin }, { origin: 'http://localhost:1', 'x-csrf-token': 'x' }]) {
      const status = await sendRaw(gateway, operation, { ...headers, cookie });
      expect(status, `${operation.method} ${operation.path} ${JSON.stringify(headers)}`).toBe(403);
    }
  }
  expect(await gateway.getClient(id)).toEqual(before);
});

/** How an attempt to open the live feed ends: the status of the answer, or the code with which it is closed later. */
function openFeed(
  gateway: TestGateway,
  headers: Record<string, string>,
  onOpen: () => void = () => {},
): Promise<number> {
  const socket = new WebSocket(`${gateway.address.replace('http', 'ws')}/api/ws`, { headers });
  return new Promise((resolve) => {
    socket.on('unexpected-response', (_, { statusCode = 0 }) => resolve(statusCode));
    socket.on('close', resolve);
    socket.on('open', onOpen);
    socket.on('error', () => {});
  });
}

test('the live feed takes a session from a page of the gateway alone, and ends with it', async () => {
  await using scene = await startScene();
  const { gateway } = scene;
  await setUp(gateway);
  await addUser(gateway, 'viewer', 'viewer');
  const browser = await signedIn(gateway, 'viewer');
  const cookie = `token=${browser.cookies.get('token')}`;
  const { address } = gateway;
  await gateway.api('PUT', '/api/config', { client_config: { allowed_origins: ['*'] } });
  for (const headers of [{}, { origin: 'https://evil.example' }, { origin: 'http://localhost:1' }])
    expect(await openFeed(gateway, { cookie, ...headers }), JSON.stringify(headers)).toBe(403);
  expect(await openFeed(gateway, { origin: address })).toBe(401);
  expect(await openFeed(gateway, { cookie: 'token=x', origin: address })).toBe(401);
  const logOut = (): void => void browser.send('POST', '/api/session/logout');
  expect(await openFeed(gateway, { cookie, origin: address }, logOut)).toBe(1008);
  expect(await openFeed(gateway, { cookie, origin: address })).toBe(401);
  expect((await openBrowser(gateway).bare('GET', '/api/session/me')).status).toBe(401);
});
