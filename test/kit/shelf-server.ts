import { Server } from '@modelcontextprotocol/sdk/server/index.js';
import { McpError, type Result } from '@modelcontextprotocol/sdk/types.js';

type JsonObject = Record<string, unknown>;

/** Everything that a shelf server offers and answers, as it goes over the wire. */
export interface Shelf {
  readonly instructions?: string;
  readonly tools?: readonly JsonObject[];
  readonly prompts?: readonly JsonObject[];
  readonly resources?: readonly JsonObject[];
  readonly resourceTemplates?: readonly JsonObject[];
  /** Results by what is asked: "tools/call name", "prompts/get name", "resources/read uri". */
  readonly answers?: Readonly<Record<string, JsonObject>>;
}

/** What reached a shelf server, but for lists: the method and the params. */
export type Asked = readonly [method: string, params: JsonObject];

/** An SDK server (v1) that answers with what lies on its shelf, every field as it is there. */
export function createShelfServer(shelf: Shelf, asked: Asked[] = []): Server {
  const { instructions, tools = [], prompts = [], resources = [], resourceTemplates = [], answers = {} } = shelf;
  const server = new Server(
    { name: 'shelf', version: '1.0.0' },
    {
      capabilities: { tools: {}, prompts: {}, resources: { subscribe: true }, completions: {} },
      ...(instructions !== undefined && { instructions }),
    },
  );
  const lists: Record<string, Result> = {
    'tools/list': { tools },
    'prompts/list': { prompts },
    'resources/list': { resources },
    'resources/templates/list': { resourceTemplates },
  };
  server.fallbackRequestHandler = ({ method, params = {} }) => {
    const list = lists[method];
    if (list !== undefined) return Promise.resolve(list);
    asked.push([method, params]);
    if (method.startsWith('resources/') && method !== 'resources/read') return Promise.resolve({});
    if (method === 'completion/complete') {
      const { value } = params['argument'] as { value: string };
      return Promise.resolve({ completion: { values: [`${value}-done`], total: 1, hasMore: false } });
    }
    const answer = answers[`${method} ${String(params['uri'] ?? params['name'])}`];
    if (answer === undefined) throw new McpError(method === 'resources/read' ? -32_002 : -32_602, 'not on the shelf');
    return Promise.resolve(answer);
  };
  return server;
}
