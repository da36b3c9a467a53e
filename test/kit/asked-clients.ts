import {
  Client as ModernClient,
  ProtocolError,
  StreamableHTTPClientTransport as ModernTransport,
} from '@modelcontextprotocol/client';
import { Client as LegacyClient } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import {
  CreateMessageRequestSchema,
  ElicitRequestSchema,
  ListRootsRequestSchema,
  McpError,
  ResultSchema,
} from '@modelcontextprotocol/sdk/types.js';
import { scriptUri, textIn, type AskingMethod } from './ask-scripts.ts';
import { MODERN_REVISION, type McpEndpoint } from './wire.ts';

type JsonObject = Record<string, unknown>;
export type ClientEra = 'legacy' | 'modern';

/** A question as it reached the user's side. */
export interface Heard {
  readonly method: string;
  readonly params: JsonObject;
}

/** The one who is asked. */
export interface User {
  readonly name: string;
  /** What the client declares; by default everything. */
  readonly capabilities?: JsonObject;
  /** By default everything is accepted in the user's name. Throws a {@link Refusal} to answer with an error. */
  readonly answer?: (question: Heard) => JsonObject | Promise<JsonObject>;
}

/** An error of the client in the place of an answer. */
export class Refusal extends Error {
  readonly code = 4242;
}

/** An SDK client with a user behind it. */
export interface AskedClient extends AsyncDisposable {
  /** What the user was asked. */
  readonly heard: readonly Heard[];
  readonly client: LegacyClient | ModernClient;
  /** Runs a script of the asking server that is registered under this name. Gives the text of the result. */
  run(method: AskingMethod, script: string, options?: { server?: string; signal?: AbortSignal }): Promise<string>;
}

/** Declares everything that a client can be asked. */
export const ASKABLE = { elicitation: { form: {}, url: {} }, sampling: { tools: {} }, roots: { listChanged: true } };

/** The answer of a willing user. */
export function accept(name: string, { method, params }: Heard): JsonObject {
  if (method === 'roots/list') return { roots: [{ uri: `file:///home/${name}`, name }] };
  if (method === 'sampling/createMessage') {
    const text = { type: 'text', text: `Hello from ${name}` };
    const call = { type: 'tool_use', id: 'use-1', name: 'look-up', input: { of: name } };
    const isToolUse = params['tools'] !== undefined;
    return {
      role: 'assistant',
      model: 'test-model',
      content: isToolUse ? [call] : text,
      stopReason: isToolUse ? 'toolUse' : 'endTurn',
    };
  }
  return params['mode'] === 'url' ? { action: 'accept' } : { action: 'accept', content: { name } };
}

/** Connects the official SDK client of an era, with a user who answers what is asked. */
export async function connectAsked(era: ClientEra, gateway: McpEndpoint, user: User): Promise<AskedClient> {
  const heard: Heard[] = [];
  const answer = async (method: string, params: JsonObject = {}): Promise<never> => {
    const question = { method, params };
    heard.push(question);
    return (await (user.answer ?? ((asked) => accept(user.name, asked)))(question)) as never;
  };
  const info = { name: user.name, version: '1.0.0' };
  const capabilities = user.capabilities ?? ASKABLE;
  const url = new URL(`${gateway.address}/mcp`);
  const requestInit = { headers: { authorization: `Bearer ${gateway.apiKey}` } };

  if (era === 'legacy') {
    const client = new LegacyClient(info, { capabilities });
    const refused = (error: unknown): never => {
      throw error instanceof Refusal ? new McpError(error.code, error.message) : error;
    };
    const { elicitation, sampling, roots } = capabilities;
    if (elicitation !== undefined)
      client.setRequestHandler(ElicitRequestSchema, ({ method, params }) => answer(method, params).catch(refused));
    if (sampling !== undefined)
      client.setRequestHandler(CreateMessageRequestSchema, ({ method, params }) =>
        answer(method, params).catch(refused),
      );
    if (roots !== undefined)
      client.setRequestHandler(ListRootsRequestSchema, ({ method, params }) => answer(method, params).catch(refused));
    await client.connect(new StreamableHTTPClientTransport(url, { requestInit }));
    return {
      heard,
      client,
      async run(method, script, { server = 'c1', signal } = {}) {
        const options = { timeout: 60_000, ...(signal && { signal }) };
        return textIn(
          method,
          await client.request({ method, params: paramsOf(method, script, server) }, ResultSchema, options),
        );
      },
      [Symbol.asyncDispose]: () => client.close(),
    };
  }

  const client = new ModernClient(info, { capabilities, versionNegotiation: { mode: { pin: MODERN_REVISION } } });
  const refused = (error: unknown): never => {
    throw error instanceof Refusal ? new ProtocolError(error.code, error.message) : error;
  };
  const { elicitation, sampling, roots } = capabilities;
  if (elicitation !== undefined)
    client.setRequestHandler('elicitation/create', ({ method, params }) => answer(method, params).catch(refused));
  if (sampling !== undefined)
    client.setRequestHandler('sampling/createMessage', ({ method, params }) => answer(method, params).catch(refused));
  if (roots !== undefined)
    client.setRequestHandler('roots/list', ({ method, params }) => answer(method, params).catch(refused));
  await client.connect(new ModernTransport(url, { requestInit }));
  return {
    heard,
    client,
    async run(method, script, { server = 'c1', signal } = {}) {
      const options = { timeout: 60_000, ...(signal && { signal }) };
      const params = paramsOf(method, script, server) as { name: string; uri: string };
      const result =
        method === 'tools/call'
          ? await client.callTool(params, options)
          : method === 'prompts/get'
            ? await client.getPrompt(params, options)
            : await client.readResource(params, options);
      return textIn(method, result);
    },
    [Symbol.asyncDispose]: () => client.close(),
  };
}

function paramsOf(method: AskingMethod, script: string, server: string): JsonObject {
  return method === 'resources/read' ? { uri: scriptUri(script) } : { name: `${server}-${script}` };
}
