import { setTimeout as sleep } from 'node:timers/promises';
import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { ErrorCode, McpError, type JSONRPCRequest, type Result } from '@modelcontextprotocol/sdk/types.js';
import { RICH_RESULT } from './rich-result.ts';

type JsonObject = Record<string, unknown>;

/** One tools/call as an upstream saw it. */
export interface ToolCall {
  readonly name: string;
  readonly arguments: JsonObject;
  readonly headers: Readonly<Record<string, string>>;
}

/** What a tool definition needs to be listed; the handler is chosen by name. */
export interface ToolDefinition {
  name: string;
  description: string;
  inputSchema: JsonObject;
  [key: string]: unknown;
}

/** All that the sessions of one test server share: what it offers, what it saw, how it misbehaves. */
export interface ToolHost {
  readonly tools: Map<string, ToolDefinition>;
  readonly calls: ToolCall[];
  /** Calls whose cancellation arrived while they ran. */
  readonly cancelled: ToolCall[];
  /** Calls of the slow tool that ran to their end. */
  finished: number;
  readonly servers: Set<Server>;
  pings: number;
  lists: number;
  refusesPing: boolean;
  /** Calls that arrive while this is set wait for it before they run. */
  gate: Promise<void> | undefined;
}

const text = { type: 'string' };
const number = { type: 'number' };

function define(name: string, description: string, properties: JsonObject = {}): [string, ToolDefinition] {
  const inputSchema = { type: 'object', properties, required: Object.keys(properties), additionalProperties: false };
  return [name, { name, description, inputSchema }];
}

/** A fresh host that offers the standard tools. */
export function createToolHost(): ToolHost {
  const tools = new Map([
    define('echo', 'Says the same', { text }),
    define('add', 'Adds two numbers', { a: number, b: number }),
    define('greet', 'Greets by name', { name: text }),
    define('fail', 'Answers with an error result'),
    define('slow', 'Takes its time, reports progress, can be cancelled', { ms: number }),
    define('rich', 'Answers with every kind of content'),
    define('whoami', 'Shows the HTTP headers of this call'),
  ]);
  return {
    tools,
    calls: [],
    cancelled: [],
    finished: 0,
    servers: new Set(),
    pings: 0,
    lists: 0,
    refusesPing: false,
    gate: undefined,
  };
}

interface Extra {
  readonly signal: AbortSignal;
  readonly requestInfo?: { readonly headers: Record<string, string | string[] | undefined> };
  sendNotification(notification: { method: 'notifications/progress'; params: JsonObject }): Promise<void>;
}

/**
 * One SDK server over the host: a session, a child process or an in-process server. Every request goes through the fallback
 * handler, because the SDK's own tools/call handler drops fields that it does not know.
 */
export function createToolServer(host: ToolHost): Server {
  const server = new Server(
    { name: 'test-server', version: '1.0.0' },
    { capabilities: { tools: { listChanged: true } } },
  );
  server.removeRequestHandler('ping');
  server.fallbackRequestHandler = (request, extra) => answer(host, request, extra);
  host.servers.add(server);
  server.onclose = () => host.servers.delete(server);
  return server;
}

async function answer(host: ToolHost, request: JSONRPCRequest, extra: Extra): Promise<Result> {
  switch (request.method) {
    case 'ping':
      host.pings += 1;
      if (host.refusesPing) throw new McpError(ErrorCode.MethodNotFound, 'no ping here');
      return {};
    case 'tools/list':
      host.lists += 1;
      return { tools: [...host.tools.values()] };
    case 'tools/call':
      return await callTool(host, request, extra);
    default:
      throw new McpError(ErrorCode.MethodNotFound, `unknown method ${request.method}`);
  }
}

async function callTool(host: ToolHost, request: JSONRPCRequest, extra: Extra): Promise<Result> {
  const params = request.params as {
    name: string;
    arguments?: JsonObject;
    _meta?: { progressToken?: string | number };
  };
  const call: ToolCall = { name: params.name, arguments: params.arguments ?? {}, headers: flatten(extra) };
  host.calls.push(call);
  await host.gate;
  if (!host.tools.has(call.name)) throw new McpError(ErrorCode.InvalidParams, `Unknown tool: ${call.name}`);
  if (call.name === 'slow') return await runSlow(host, call, params._meta?.progressToken, extra);
  return run(call);
}

function run({ name, arguments: input, headers }: ToolCall): Result {
  switch (name) {
    case 'echo':
      return say(String(input['text']));
    case 'add':
      return say(String(Number(input['a']) + Number(input['b'])));
    case 'greet':
      return say(`Hello, ${String(input['name'])}!`);
    case 'fail':
      return { ...say('it went wrong'), isError: true };
    case 'rich':
      return RICH_RESULT;
    case 'whoami':
      return { ...say(JSON.stringify(headers)), structuredContent: headers };
    default:
      return say(`${name} ran`);
  }
}

async function runSlow(
  host: ToolHost,
  call: ToolCall,
  token: string | number | undefined,
  extra: Extra,
): Promise<Result> {
  const steps = token === undefined ? 1 : 3;
  try {
    for (let step = 1; step <= steps; step += 1) {
      if (token !== undefined) {
        const params = { progressToken: token, progress: step, total: steps, message: `step ${step}` };
        await extra.sendNotification({ method: 'notifications/progress', params });
      }
      await sleep(Number(call.arguments['ms']) / steps, undefined, { signal: extra.signal });
    }
  } catch (error) {
    if (extra.signal.aborted) host.cancelled.push(call);
    throw error;
  }
  host.finished += 1;
  return say('done');
}

function say(words: string): Result {
  return { content: [{ type: 'text', text: words }] };
}

function flatten(extra: Extra): Record<string, string> {
  const seen = Object.entries(extra.requestInfo?.headers ?? {});
  return Object.fromEntries(seen.map(([name, value]) => [name.toLowerCase(), String(value)]));
}

/** Adds a tool that answers "<name> ran", and tells every connected client. */
export async function addTool(host: ToolHost, name: string, inputSchema?: JsonObject): Promise<void> {
  const [, added] = define(name, `Added: ${name}`);
  host.tools.set(name, { ...added, ...(inputSchema && { inputSchema }) });
  await announce(host);
}

/** Takes a tool away and tells every connected client. */
export async function removeTool(host: ToolHost, name: string): Promise<void> {
  host.tools.delete(name);
  await announce(host);
}

async function announce(host: ToolHost): Promise<void> {
  await Promise.allSettled([...host.servers].map((server) => server.sendToolListChanged()));
}
