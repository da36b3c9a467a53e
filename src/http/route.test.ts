import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { Success } from '../contract/common.ts';
import type { ErrorEnvelope } from '../contract/common.ts';
import { McpClientUpdate } from '../contract/mcp-client.ts';
import { createLogger } from '../lib/logger.ts';
import { createApi } from './api.ts';
import { unknownFields } from './check-input.ts';
import { wholeNumber } from './query.ts';
import { route } from './route.ts';
import { success } from './success.ts';

const logger = createLogger({ level: 'silent', style: 'json' });
const caller = { kind: 'operator', principal: 'api-key:1', name: 'admin', scopes: ['read', 'write'] } as const;

const update = route({
  method: 'put',
  path: '/api/mcp/client/{id}',
  summary: 'Update an MCP client',
  scope: 'write',
  body: McpClientUpdate,
  response: Success,
  handle: ({ params, body }) => success(`${params.id} edited`, unknownFields(McpClientUpdate, body)),
});
const create = route({
  method: 'post',
  path: '/api/thing',
  summary: 'Create a thing',
  scope: 'public',
  status: 201,
  query: z.object({ count: wholeNumber('How many.') }),
  body: z.object({ name: z.string() }),
  response: z.object({ name: z.string(), count: z.number() }),
  handle: ({ body, query }) => ({ name: body.name, count: query.count ?? 1 }),
});
const app = createApi({ routes: [update, create], identify: () => caller, version: '1.2.3', logger });

const put = (body: string, headers: Record<string, string> = {}) =>
  app.request('/api/mcp/client/c1', { method: 'PUT', body, headers });
const messageOf = async (response: Response) => ((await response.json()) as ErrorEnvelope).error.message;

describe('a body', () => {
  test('reaches the handler with the path parameters, whatever its Content-Type says', async () => {
    for (const headers of [{ 'content-type': 'application/json' }, { 'content-type': 'text/plain' }]) {
      const response = await put('{"name":"x2"}', headers);
      expect(response.status).toBe(200);
      expect(await response.json()).toEqual({ status: 'success', message: 'c1 edited' });
    }
  });

  test('names every broken field in one message', async () => {
    const response = await put('{"tools_to_execute":["a",1],"disabled":"yes","connection_string":5}');
    expect(response.status).toBe(400);
    const message = await messageOf(response);
    expect(message).toContain('tools_to_execute[1]: Invalid input: expected string, received number');
    expect(message).toContain('; disabled: Invalid input: expected boolean, received string');
    expect(message).toContain('connection_string: Invalid input: expected string or object');
  });

  test.each(['[]', '"x"', '7', 'true', '{"name":', '', '\u0000'])(
    'that is %j is refused as a payload',
    async (body) => {
      const response = await put(body);
      expect(response.status).toBe(400);
      expect(await messageOf(response)).toMatch(/^Invalid request payload: /);
    },
  );

  test('of null changes nothing where nothing is required, and is refused where something is', async () => {
    expect((await put('null')).status).toBe(200);
    expect((await app.request('/api/thing', { method: 'POST', body: 'null' })).status).toBe(400);
  });

  test('with unknown fields is taken, and the answer says what was ignored', async () => {
    const response = await put('{"nmae":"x","__proto__":{"name":"a b"}}');
    expect(await response.json()).toMatchObject({ warnings: ['unknown field "nmae" was ignored'] });
  });

  test('above 10 MiB is 413, announced or not', async () => {
    const large = 'x'.repeat(10 * 1024 * 1024 + 1);
    expect((await put(large)).status).toBe(413);
    expect((await put('{}', { 'content-length': '99999999' })).status).toBe(413);
  });

  test('in a foreign encoding is 415', async () => {
    expect((await put('{}', { 'content-encoding': 'gzip' })).status).toBe(415);
  });
});

test('query parameters are checked, an empty one counts as absent, and the status of the definition is answered', async () => {
  const post = (query: string) => app.request(`/api/thing?${query}`, { method: 'POST', body: '{"name":"a"}' });
  const created = await post('count=3');
  expect(created.status).toBe(201);
  expect(await created.json()).toEqual({ name: 'a', count: 3 });
  expect(await (await post('count=')).json()).toEqual({ name: 'a', count: 1 });
  expect(await messageOf(await post('count=many'))).toBe('Invalid count parameter: must be a number');
  expect(await messageOf(await post('count=-1'))).toBe('Invalid count parameter: must be non-negative');
});

test('a wrong method is 405 and says which fit; an unknown path is 404', async () => {
  const wrong = await app.request('/api/mcp/client/c1', { method: 'PATCH' });
  expect(wrong.status).toBe(405);
  expect(wrong.headers.get('allow')).toBe('PUT');
  const unknown = await app.request('/api/nothing');
  expect(unknown.status).toBe(404);
  expect(await unknown.json()).toMatchObject({ is_bifrost_error: false, status_code: 404, extra_fields: {} });
});
