import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import { request } from 'undici';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { ANONYMOUS } from '../../governance/caller.ts';
import { GatewayError } from '../../lib/errors.ts';
import type { Reply } from '../../lib/json-rpc.ts';
import { createLogger } from '../../lib/logger.ts';
import type { ClientRequest } from '../../mcp/client-side.ts';
import { flattenResult } from '../../mcp/flatten-result.ts';
import { createToolExecuteHandler } from './mcp-tool.ts';

let answer: (call: ClientRequest) => Promise<Reply>;
let seen: (ClientRequest & { name: string })[] = [];
const handler = createToolExecuteHandler({
  callTool: async (name, request) => {
    seen.push({ ...request, name });
    return await answer(request);
  },
  identify: { identifyInference: () => ANONYMOUS },
  logger: createLogger({ level: 'silent', style: 'json' }),
});
const server = createServer((req, res) => void handler(req, res));
let url: string;

beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/mcp/tool/execute`;
});
afterAll(() => server.close());
beforeEach(() => {
  seen = [];
  answer = async () => result({ content: [{ type: 'text', text: 'ok' }] });
});

function result(value: object, isError = false): Reply {
  return { kind: 'result', bytes: Buffer.from(JSON.stringify(value)), isError, hasResultType: false };
}

async function post(body: object | string | Buffer, query = '') {
  const text = typeof body === 'string' || Buffer.isBuffer(body) ? body : JSON.stringify(body);
  const response = await request(url + query, { method: 'POST', body: text });
  return { status: response.statusCode, body: (await response.body.json()) as { error?: { message: string } } };
}
const chat = (name: string, args = '{}') => ({ id: 'call_1', type: 'function', function: { name, arguments: args } });

describe('a tool call', () => {
  test('in chat format gives a tool message', async () => {
    expect(await post(chat('c-echo', '{"n": 12345678901234567890}'))).toEqual({
      status: 200,
      body: { role: 'tool', tool_call_id: 'call_1', content: 'ok', name: 'c-echo' },
    });
    expect(seen[0]?.name).toBe('c-echo');
    expect(seen[0]?.params.members.get('arguments')).toBe('{"n": 12345678901234567890}');
  });

  test('in responses format gives a function call output, whatever the case of the word', async () => {
    const call = { call_id: 'call_2', name: 'c-echo', arguments: '' };
    const expected = { type: 'function_call_output', call_id: 'call_2', output: 'ok' };
    expect(await post(call, '?format=RESPONSES')).toEqual({ status: 200, body: expected });
    expect(seen[0]?.params.members.get('arguments')).toBe('{}');
  });

  test('with arguments over several lines stays one line for the server', async () => {
    await post(chat('c-echo', '{\n"a":\r\n"x\\ny"}'));
    const text = seen[0]?.params.members.get('arguments') ?? '';
    expect(text).not.toMatch(/[\r\n]/);
    expect(JSON.parse(text)).toEqual({ a: 'x\ny' });
  });

  test('that the tool itself calls an error is still 200', async () => {
    answer = async () => result({ isError: true, content: [{ type: 'text', text: 'no such file' }] }, true);
    expect(await post(chat('c-read'))).toMatchObject({ status: 200, body: { content: 'no such file' } });
  });

  test.each([
    ['?format=xml', chat('a'), "Invalid format value, must be 'chat' or 'responses'"],
    ['', '{', 'Invalid request format: '],
    ['', '', 'Invalid request format: '],
    ['', chat(''), 'Tool function name is required'],
    ['', { id: 'x' }, 'Tool function name is required'],
    ['?format=responses', chat('a'), 'Tool function name is required'],
    ['', chat('a', '{'), 'Invalid tool arguments'],
    ['', chat('a', '[]'), 'Invalid tool arguments'],
    ['', { function: { name: 'a', arguments: {} } }, 'function.arguments: '],
  ])('with %j %j is 400', async (query, body, message) => {
    const response = await post(body, query);
    expect(response.status).toBe(400);
    expect(response.body.error?.message).toContain(message);
    expect(seen).toEqual([]);
  });

  test('that fails says so in the words of the route', async () => {
    const fail = (error: Error) => {
      answer = async () => {
        throw error;
      };
    };
    fail(new GatewayError('upstream_timeout', 'timed out after 30s: c-slow'));
    expect((await post(chat('c-slow'))).body.error?.message).toBe('timed out after 30s: c-slow');
    fail(new GatewayError('upstream_lost', 'connection closed'));
    expect(await post(chat('c-x'))).toMatchObject({
      status: 400,
      body: { error: { message: 'MCP tool call failed: connection closed', code: 'upstream_lost' } },
    });
    answer = async () => ({ kind: 'error', bytes: Buffer.from('{"code":-32602,"message":"bad input"}') });
    expect((await post(chat('c-x'))).body.error?.message).toBe('MCP tool call failed: bad input');
    fail(new Error('bug'));
    expect(await post(chat('c-x'))).toMatchObject({ status: 500, body: { error: { message: 'internal error' } } });
  });

  test('with a body that is too large is 413, also when its length is not announced', async () => {
    const large = Buffer.alloc(10 * 1024 * 1024 + 1, 'x');
    expect((await post(large)).status).toBe(413);
    const response = await request(url, { method: 'POST', body: Readable.from([large, large]) });
    expect(response.statusCode).toBe(413);
    await response.body.dump();
  });

  test('is cancelled when the caller goes away', async () => {
    const cancelled = Promise.withResolvers<void>();
    const started = Promise.withResolvers<void>();
    answer = ({ signal }) => {
      started.resolve();
      signal.addEventListener('abort', () => cancelled.resolve());
      return new Promise(() => {});
    };
    const caller = new AbortController();
    const response = request(url, { method: 'POST', body: JSON.stringify(chat('c-slow')), signal: caller.signal });
    await started.promise;
    caller.abort();
    await expect(response).rejects.toThrow();
    await cancelled.promise;
  });
});

test('other methods are 405', async () => {
  const response = await request(url, { method: 'GET' });
  expect(response.statusCode).toBe(405);
  expect(response.headers.allow).toBe('POST');
  await response.body.dump();
});

describe('a result as text', () => {
  test.each([
    [
      [
        { type: 'text', text: 'a' },
        { type: 'text', text: 'b ' },
      ],
      'ab',
    ],
    [
      [
        { type: 'image', data: 'AA==', mimeType: 'image/png' },
        { type: 'text', text: 'x' },
      ],
      '[Image Response: AA==, MIME: image/png]\nx',
    ],
    [[{ type: 'audio', data: 'BB==', mimeType: 'audio/wav' }], '[Audio Response: BB==, MIME: audio/wav]'],
    [[{ type: 'resource', resource: { uri: 'a://b', text: 'kept' } }], 'kept'],
    [[{ type: 'resource', resource: { uri: 'a://b', blob: 'AA==' } }], '[Embedded Resource Response: resource]'],
    [[{ type: 'new', text: 'kept' }], '[Text Response: kept]'],
    [[{ type: 'resource_link', uri: 'a://b' }], '{"type":"resource_link","uri":"a://b"}'],
    [[], "MCP tool 'c-x' executed successfully"],
    [[{ type: 'text', text: ' \n' }], "MCP tool 'c-x' executed successfully"],
  ])('of %j is %j', (content, text) => {
    expect(flattenResult({ content }, 'c-x')).toBe(text);
  });

  test('without content is its structure, or says that the tool ran', () => {
    expect(flattenResult({ content: [], structuredContent: { a: [1] } }, 'c-x')).toBe('{"a":[1]}');
    expect(flattenResult({ structuredContent: {} }, 'c-x')).toBe("MCP tool 'c-x' executed successfully");
  });
});
